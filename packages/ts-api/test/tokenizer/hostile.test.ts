import { describe, expect, it } from "vitest";
import { type TokenizerJson, tokenIds } from "../../src/tokenizer/json/json.ts";
import { folderForAll, folder as parent } from "../folder.ts";
import { freshFolder } from "../fuzz.ts";
import { fuzz, readOrRefuse, readSample, SAMPLES, type Sample } from "./hostile.ts";
import { configOf, loadTokenizer, withFolder } from "./parity.ts";

folderForAll();

const sampleOf = (name: string): Sample => SAMPLES.find((sample) => sample.name === name)!;

describe.each(SAMPLES.map((sample) => [sample.name, sample] as const))("%s", (_, sample) => {
  it("is read where it is whole", async () => {
    const dir = await freshFolder(parent, sample.name);
    expect(await readOrRefuse(dir, sample, await readSample(sample), "the whole")).toBeGreaterThan(100);
  });

  it("with random damage is read or refused, never anything else", { timeout: 60_000 }, async () => {
    const dir = await freshFolder(parent, sample.name);
    const before = process.memoryUsage().rss;
    const counts = await fuzz(dir, sample, 1, 100);
    expect(counts.refused).toBeGreaterThan(20);
    expect(counts.read).toBeGreaterThan(5);
    expect(process.memoryUsage().rss - before).toBeLessThan(256e6);
  });
});

// SentencePiece models cut at any byte are in sentencepiece.test.ts.
it.each([
  ["vocab.txt", 1],
  ["vocab.json and merges.txt", 7],
  ["tokenizer.json from vocab.txt", 1],
] as const)("%s cut anywhere is read or refused", { timeout: 60_000 }, async (name, step) => {
  const sample = sampleOf(name);
  const dir = await freshFolder(parent, sample.name);
  const files = await readSample(sample);
  for (const [file, bytes] of Object.entries(files)) {
    for (let length = 0; length < bytes.byteLength; length += step) {
      const what = `${file} cut to ${length}`;
      const result = await readOrRefuse(dir, sample, { ...files, [file]: bytes.subarray(0, length) }, what);
      // A JSON file is not whole before its last bracket.
      if (file.endsWith(".json") && length < bytes.byteLength - 2) expect(result, what).toBeTypeOf("string");
    }
  }
});

it("a vocabulary of millions of empty lines is refused before it takes memory", async () => {
  const sample = sampleOf("vocab.txt");
  const dir = await freshFolder(parent, "lines");
  const before = process.memoryUsage().rss;
  const files = { ...(await readSample(sample)), "vocab.txt": Buffer.alloc(30_000_000, "\n") };
  expect(await readOrRefuse(dir, sample, files, "lines")).toContain(
    "vocab.txt: 30000000 lines are more than any vocabulary has; use the file of the weights",
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
});

/** Each ends the process where the Rust core is given it. */
describe("a tokenizer.json that the core takes unseen", () => {
  type Change = (
    json: TokenizerJson & { model: { merges: unknown[]; vocab: Record<string, number> } },
  ) => void;
  const template = (json: TokenizerJson) =>
    json.post_processor as unknown as {
      pair: unknown[];
      special_tokens: Record<string, { ids: number[]; tokens: string[] }>;
    };
  it.each<[string, Change, string]>([
    [
      "puts a token around texts that it does not describe",
      (json) => delete template(json).special_tokens["<s>"],
      'post_processor: its token "<s>" is not among its special_tokens',
    ],
    [
      "puts a token around texts that it has no text of",
      (json) => template(json).special_tokens["<s>"]!.tokens.pop(),
      'post_processor: its token "<s>" is not among its special_tokens',
    ],
    [
      "puts an id around texts that is no token's",
      (json) => template(json).special_tokens["<s>"]!.ids.splice(0, 1, 5000),
      "post_processor: 5000 is not the id of a token",
    ],
    ["forgets the second text", (json) => template(json).pair.splice(3, 1), "it does not use each text once"],
    [
      "has a normalizer without its table",
      (json) => (json.normalizer = { type: "Precompiled" }),
      "precompiled_charsmap: it is not base64",
    ],
    [
      "has a normalizer whose table is not base64",
      (json) => (json.normalizer = { type: "Precompiled", precompiled_charsmap: "****" }),
      "precompiled_charsmap: it is not base64",
    ],
    [
      "cuts off a prefix longer than the token",
      (json) => (json.model.continuing_subword_prefix = "####"),
      "does not join two of its tokens into a third",
    ],
    [
      "merges to a token longer than any",
      (json) =>
        json.model.merges.push(
          Array(2).fill(Object.keys(json.model.vocab).sort((a, b) => b.length - a.length)[0]),
        ),
      "does not join two of its tokens into a third",
    ],
    [
      "has texts of no length",
      (json) => (json.pre_tokenizer = { type: "FixedLength", length: 0 }),
      "a length of 0",
    ],
  ])("%s is refused", async (_, change, message) => {
    const sample = sampleOf("tokenizer.json from SentencePiece, BPE");
    const dir = await freshFolder(parent, sample.name);
    const files = await readSample(sample);
    const json = JSON.parse(Buffer.from(files["tokenizer.json"]!).toString());
    change(json);
    const changed = { ...files, "tokenizer.json": Buffer.from(JSON.stringify(json)) };
    expect(await readOrRefuse(dir, sample, changed, message)).toContain(`tokenizer.json: damaged (`);
    expect(await readOrRefuse(dir, sample, changed, message)).toContain(message);
  });
});

it("a file of a hundred thousand brackets is refused", async () => {
  const sample = sampleOf("tokenizer.json from vocab.txt");
  const dir = await freshFolder(parent, sample.name);
  const files = await readSample(sample);
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    const deep = Buffer.from(
      `{"a":${"[".repeat(1e5)}${"]".repeat(1e5)},${Buffer.from(files[name]!).toString().trim().slice(1)}`,
    );
    expect(await readOrRefuse(dir, sample, { ...files, [name]: deep }, name)).toContain(
      `${name}: its values are nested more than 128 deep`,
    );
  }
});

it("an added token has the id that the core gives it, whatever the file says", async () => {
  const sample = sampleOf("tokenizer.json from vocab.txt");
  const json = JSON.parse(
    Buffer.from((await readSample(sample))["tokenizer.json"]!).toString(),
  ) as TokenizerJson;
  const size = Object.keys(json.model.vocab).length;
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  json.added_tokens.push({ id: 20_000, content: "<new>", ...flags }, { id: 3, content: "<newer>", ...flags });
  await withFolder(undefined, { "tokenizer.json": json }, async (dir) => {
    const encoder = await loadTokenizer(dir, configOf("bert-base-chinese"));
    const { ids } = await encoder.encode(["<newer><new>"], undefined, 16);
    expect([...ids].slice(1, -1)).toEqual([size + 1, size]);
    expect(encoder.maxTokenId).toBe(size + 1);
    const saved = JSON.parse(new TextDecoder().decode(encoder.files.get("tokenizer.json")));
    expect(tokenIds(saved).get("<newer>")).toBe(size + 1);
  });
});
