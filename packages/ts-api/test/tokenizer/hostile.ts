/** Tokenizer files that are not what they should be: read or refused, and nothing else may happen. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { FinetagError } from "../../src/index.ts";
import { parseModelConfig } from "../../src/models/config.ts";
import type { ModelConfig } from "../../src/models/index.ts";
import { loadTokenizer, type Tokenizer } from "../../src/tokenizer/index.ts";
import { damage, type Files } from "../damage.ts";
import { damageJson } from "../damage-json.ts";
import { countOutcomes } from "../fuzz.ts";
import { PARITY } from "./parity.ts";

const SENTENCEPIECE = join(PARITY, "..", "sentencepiece", "golden");
const TOKENS = join(PARITY, "golden");

/** A small tokenizer of a kind. */
export interface Sample {
  name: string;
  modelType: string;
  /** Where its files lie. */
  from: string;
  /** As finetag saves it, by `tokenizer.json`. */
  isSaved?: boolean;
}

const PLAIN: readonly Sample[] = [
  { name: "vocab.txt", modelType: "bert", from: join(TOKENS, "bert-base-chinese") },
  { name: "vocab.json and merges.txt", modelType: "roberta", from: join(TOKENS, "roberta-base") },
  { name: "SentencePiece of ALBERT", modelType: "albert", from: join(SENTENCEPIECE, "albert") },
  {
    name: "SentencePiece of XLM-RoBERTa",
    modelType: "xlm-roberta",
    from: join(SENTENCEPIECE, "xlm-roberta"),
  },
  { name: "SentencePiece, BPE", modelType: "albert", from: join(SENTENCEPIECE, "bpe") },
  { name: "SentencePiece, BPE across spaces", modelType: "albert", from: join(SENTENCEPIECE, "bpe-whole") },
];

export const SAMPLES: readonly Sample[] = [
  ...PLAIN,
  ...PLAIN.map((sample) => ({ ...sample, name: `tokenizer.json from ${sample.name}`, isSaved: true })),
];

export async function readSample(sample: Sample): Promise<Files> {
  if (sample.isSaved) {
    const { files } = await loadTokenizer(sample.from, configOf(sample));
    return Object.fromEntries([...files].filter(([name]) => name.endsWith(".json")));
  }
  const names = (await readdir(sample.from)).filter((name) => name !== "config.json");
  const entries = names.map(async (name) => [name, await readFile(join(sample.from, name))]);
  return Object.fromEntries(await Promise.all(entries)) as Files;
}

function configOf({ modelType }: Sample): ModelConfig {
  return parseModelConfig({ model_type: modelType, vocab_size: 60_000 }, "config.json");
}

/** What tokenizers are made of beside what the samples have, with what may be wrong with it. */
const STEPS: readonly unknown[] = [
  ...["NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "ByteLevel"].map((type) => ({
    type,
  })),
  ...["Whitespace", "WhitespaceSplit", "BertPreTokenizer", "UnicodeScripts", "WordLevel"].map((type) => ({
    type,
  })),
  ...[0, 1, -1, 1e9].map((length) => ({ type: "FixedLength", length })),
  ...["", "a", "\u2581", " "].map((content) => ({ type: "Replace", pattern: { String: content }, content })),
  ...["", "(a*)*b", "(", "\\X|.", "^", "(?=.)"].flatMap((Regex) => [
    { type: "Replace", pattern: { Regex }, content: "x" },
    { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: true },
    { type: "Split", pattern: { Regex }, behavior: "MergedWithNext", invert: false },
  ]),
  { type: "Strip", strip_left: true, strip_right: true },
  { type: "Prepend", prepend: "" },
  { type: "Prepend", prepend: "\u2581" },
  { type: "Precompiled" },
  { type: "Precompiled", precompiled_charsmap: "AAAA" },
  { type: "Digits", individual_digits: true },
  { type: "Punctuation", behavior: "Contiguous" },
  { type: "CharDelimiterSplit", delimiter: "a" },
  { type: "Metaspace", replacement: "", prepend_scheme: "first", split: false },
  { type: "Metaspace", replacement: "a", prepend_scheme: "first", split: false },
  { type: "Sequence", normalizers: [], pretokenizers: [], processors: [] },
  { type: "BertProcessing", sep: ["", 0], cls: ["a", 2 ** 31] },
  { type: "ByteLevel", trim_offsets: true, add_prefix_space: false, use_regex: false },
  { type: "TemplateProcessing", single: [], pair: [], special_tokens: {} },
  { type: "WordLevel", vocab: { a: 0 }, unk_token: "b" },
  { type: "BPE", vocab: { a: 0, aa: 5 }, merges: [["a", "a"]], unk_token: "b", byte_fallback: true },
  {
    type: "WordPiece",
    vocab: { a: 0 },
    unk_token: "b",
    max_input_chars_per_word: 0,
    continuing_subword_prefix: "",
  },
  { type: "Unigram", vocab: [["a", 0]], unk_id: null, byte_fallback: true },
];

/** The hard ones: several scripts, bytes that are no letters, special tokens within words, nothing, a long word. */
const TEXTS = [
  "Ünïcödé, 1,234.5 or 9,5 it's ﬁne",
  "[CLS] a[MASK]b <mask> </s><s>",
  "今天天气很好 東京 한국어",
  "👩‍👩‍👧 \u0000\u0001 \ufffd \u200d",
  "",
  "  a \n\t b  ",
  "w".repeat(300),
  "``quoted''",
];

/**
 * Loads the tokenizer of a folder with these files and encodes with it, or sees it refused by one line that says which file
 * it is.
 *
 * @returns The number of tokens of some texts, or the error's message.
 */
export async function readOrRefuse(
  dir: string,
  sample: Sample,
  files: Files,
  what: string,
): Promise<number | string> {
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dir, name), bytes);
  try {
    return await encodeTexts(await loadTokenizer(dir, configOf(sample)), what);
  } catch (error) {
    const { code, message } = error as FinetagError;
    const isClear =
      /^[^\n]*: [^\n]*; [^\n]*$/.test(message) && message.length < 2000 && message.startsWith(dir);
    if (error instanceof FinetagError && code === "ERR_FINETAG_MODEL" && isClear) return message;
    throw new Error(`${what}: ${code}: ${message.slice(0, 2000)}`, { cause: error });
  }
}

async function encodeTexts(tokenizer: Tokenizer, what: string): Promise<number> {
  const pairs = TEXTS.map((_, i) => (i % 2 === 0 ? undefined : TEXTS.at(-i)));
  const [single, both] = [
    await tokenizer.encodeWords(TEXTS, undefined, 64),
    await tokenizer.encode(TEXTS, pairs, 64),
  ];
  for (const { ids, cuSeqlens } of [single, both]) {
    expect(cuSeqlens.length, what).toBe(TEXTS.length + 1);
    for (const id of ids) if (!(id >= 0 && id <= tokenizer.maxTokenId)) throw new Error(`${what}: id ${id}`);
    for (const [i, start] of cuSeqlens.entries())
      if (start > 64 * i) throw new Error(`${what}: ${cuSeqlens}`);
  }
  return single.ids.length + both.ids.length;
}

/** Rounds of damage to bytes and, twice as often, to values of JSON. */
export async function fuzz(
  dir: string,
  sample: Sample,
  seed: number,
  rounds: number,
): Promise<Record<string, number>> {
  return countOutcomes(sample.name, await readSample(sample), {
    seed,
    rounds,
    damage: (files, random) =>
      random.below(3) === 0 ? damage(files, random) : damageJson(files, random, STEPS),
    readOrRefuse: (files, what) => readOrRefuse(dir, sample, files, what),
  });
}
