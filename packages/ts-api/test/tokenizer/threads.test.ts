import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { askForTokenizerThreads } from "../../src/tokenizer/index.ts";

const isLinux = process.platform === "linux";
/** Threads of this process, of which vitest gives each file one of its own. */
const threads = () => readdirSync("/proc/self/task").length;

it.skipIf(!isLinux)(
  "a batch is encoded on as many threads as were asked for (counts them as Linux does)",
  async () => {
    const { Tokenizer } = await import("tokenizers");
    const { withPool } = await import("../../src/tokenizer/encode/pool.ts");
    const json = {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: null,
      model: { type: "WordLevel", vocab: { "[UNK]": 0, a: 1 }, unk_token: "[UNK]" },
    };
    const tokenizer = Tokenizer.fromString(JSON.stringify(json));
    const texts = Array.from({ length: 64 }, () => "a b a");
    await Promise.all(texts.map((text) => tokenizer.encode(text))); // starts libuv's threads, not the pool

    const before = threads();
    askForTokenizerThreads(3);
    expect(await withPool(() => tokenizer.encodeBatch(texts))).toHaveLength(64);
    expect(threads() - before).toBe(3);
    expect(process.env.RAYON_NUM_THREADS).toBeUndefined();

    askForTokenizerThreads(5); // too late: the process has its pool
    await withPool(() => tokenizer.encodeBatch(texts));
    expect(threads() - before).toBe(3);
  },
);
