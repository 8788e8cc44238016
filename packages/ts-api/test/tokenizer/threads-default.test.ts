import { readdirSync } from "node:fs";
import { usableCores } from "@finetag/core-native";
import { expect, it } from "vitest";
import { withPool } from "../../src/tokenizer/encode/pool.ts";

/** Threads of this process, of which vitest gives each file one of its own. */
const threads = () => readdirSync("/proc/self/task").length;

it.skipIf(process.platform !== "linux")(
  "where no number was asked for, a batch is encoded on as many threads as there are usable cores",
  async () => {
    const { Tokenizer } = await import("tokenizers");
    const model = { type: "WordLevel", vocab: { "[UNK]": 0, a: 1 }, unk_token: "[UNK]" };
    const parts = {
      normalizer: null,
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: null,
    };
    const json = { version: "1.0", truncation: null, padding: null, added_tokens: [], ...parts, model };
    const tokenizer = Tokenizer.fromString(JSON.stringify(json));
    const texts = Array.from({ length: 64 }, () => "a b a");
    await Promise.all(texts.map((text) => tokenizer.encode(text))); // starts libuv's threads, not the pool
    const before = threads();
    await withPool(() => tokenizer.encodeBatch(texts));
    expect(threads() - before).toBe(usableCores());
    expect(process.env.RAYON_NUM_THREADS).toBeUndefined();
  },
);
