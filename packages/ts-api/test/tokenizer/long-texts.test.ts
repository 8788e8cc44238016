/** A long text is cut before it is tokenized, and has the tokens that it has as a whole. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "tokenizers";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import type { ModelConfig } from "../../src/models/index.ts";
import { TextCutter } from "../../src/tokenizer/encode/cut.ts";
import type { EncodedTexts, Tokenizer as OurTokenizer } from "../../src/tokenizer/index.ts";
import { longText } from "./long-texts.ts";
import { GOLDEN, loadTokenizer, PARITY } from "./parity.ts";

const PIECES = join(PARITY, "..", "sentencepiece", "golden");
const TRIALS = Number(process.env.FINETAG_STRESS ?? 0) || 6;

function configOf(model_type: string): ModelConfig {
  return parseModelConfig({ model_type, vocab_size: 60_000, max_position_embeddings: 516 }, "config.json");
}

const TOKENIZERS: [string, () => Promise<OurTokenizer>][] = [
  ["WordPiece", () => loadTokenizer(join(GOLDEN, "bert-base-uncased"), configOf("bert"))],
  ["WordPiece, cased", () => loadTokenizer(join(GOLDEN, "bert-base-chinese"), configOf("bert"))],
  ["byte-level BPE", () => loadTokenizer(join(GOLDEN, "roberta-base"), configOf("roberta"))],
  ...["albert", "albert-cased", "xlm-roberta", "bpe", "bpe-whole"].map(
    (name): [string, () => Promise<OurTokenizer>] => [
      `SentencePiece, ${name}`,
      async () => {
        const config = JSON.parse(await readFile(join(PIECES, name, "config.json"), "utf8"));
        return loadTokenizer(join(PIECES, name), configOf(config.model_type));
      },
    ],
  ),
];

/** Texts whose tokens come from a part of them, and how often at least. */
const CUT: Readonly<Record<string, number>> = { "SentencePiece, bpe-whole": 0 };

/** Never cut: words are found in the whole text. */
async function whole(
  tokenizer: OurTokenizer,
  texts: string[],
  pairs: (string | undefined)[] | undefined,
  length: number,
): Promise<EncodedTexts> {
  const { words: _words, ...encoded } = await tokenizer.encodeWords(texts, pairs, length, (run) => [run]);
  return encoded;
}

describe.each(TOKENIZERS)("%s", async (name, open) => {
  const tokenizer = await open();

  it("single texts", { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= TRIALS; seed++) {
      const length = [8, 16, 64, 128][seed % 4]!;
      const text = longText(seed, 9_000 + 32 * length + 500 * (seed % 100));
      const cut = await tokenizer.encode([text, "short"], undefined, length);
      expect(cut, `seed ${seed}`).toEqual(await whole(tokenizer, [text, "short"], undefined, length));
    }
  });

  it("most texts are cut, from both sides", async () => {
    const json = new TextDecoder().decode(tokenizer.files.get("tokenizer.json"));
    const core = Tokenizer.fromString(json);
    core.disableTruncation();
    const tokens = async (text: string) =>
      (await core.encode(text, null, { addSpecialTokens: false })).getIds();
    for (const side of ["right", "left"] as const) {
      const cutter = new TextCutter(JSON.parse(json), side);
      let shorter = 0;
      for (let seed = 501; seed <= 500 + TRIALS; seed++) {
        const text = longText(seed, 20_000);
        const { text: part, hasAll } = await cutter.cut(core, text, 32);
        if (part.length < text.length) shorter++;
        const [own, all] = [await tokens(part), await tokens(text)];
        if (hasAll) expect(own, `seed ${seed}`).toEqual(all);
        const ofSide = (ids: number[]) => (side === "right" ? ids.slice(0, 32) : ids.slice(-32));
        expect(ofSide(own), `seed ${seed}`).toEqual(ofSide(all));
        if (!hasAll) expect(own.length).toBeGreaterThan(32);
      }
      const least = side === "right" ? 0.6 : 0.3;
      expect(shorter).toBeGreaterThanOrEqual(Math.floor((CUT[name] ?? least) * TRIALS));
    }
  });

  it("pairs, of which one or both are long", { timeout: 600_000 }, async () => {
    for (let seed = 1; seed <= TRIALS / 2; seed++) {
      const length = [8, 9, 32, 33][seed % 4]!;
      const long = longText(seed, 12_000 + 32 * length);
      const other = [longText(1000 + seed, 20), longText(2000 + seed, 3000), longText(3000 + seed, 14_000)][
        seed % 3
      ]!;
      const [texts, pairs] = seed % 2 === 0 ? [[long], [other]] : [[other], [long]];
      const cut = await tokenizer.encode(texts, pairs, length);
      expect(cut, `seed ${seed}`).toEqual(await whole(tokenizer, texts, pairs, length));
    }
  });
});

describe("texts of one kind", async () => {
  const [wordPiece, byteLevel, unigram] = await Promise.all([0, 2, 3].map((i) => TOKENIZERS[i]![1]()));

  it.each([
    ["a word without an end", "a"],
    ["a Cyrillic word", "привет"],
    ["blanks", " "],
    ["line breaks", "\r\n\t"],
    ["dots", "."],
    ["Chinese", "漢字"],
    ["symbols", "\u{1f600}"],
    ["contractions", "x're'll"],
    ["special tokens", " [MASK]<mask>"],
    ["words", "the cat sat on "],
  ])("%s", async (_, part) => {
    for (const tokenizer of [wordPiece!, byteLevel!, unigram!]) {
      const text = `so ${part.repeat(40_000 / part.length)} at the end`;
      for (const length of [8, 33]) {
        expect(await tokenizer.encode([text], undefined, length)).toEqual(
          await whole(tokenizer, [text], undefined, length),
        );
      }
    }
  });

  it("does not count a word that goes on behind the cut", async () => {
    // The first attempt ends within the letters, which are pieces there, and one unknown word as a whole.
    for (const letter of "abcdefghijklmnopqrstuvwxyz") {
      const text = `${" ".repeat(2100)}${letter.repeat(150)}${" the cat".repeat(3000)}`;
      const encoded = await wordPiece!.encode([text], undefined, 8);
      expect(encoded, letter).toEqual(await whole(wordPiece!, [text], undefined, 8));
    }
  });

  it("takes a moment for 24 million characters", async () => {
    const text = "the cat sat on the mat. ".repeat(1_000_000);
    const started = performance.now();
    const encoded = await wordPiece!.encode([text], undefined, 64);
    expect(encoded.ids).toHaveLength(64);
    expect(encoded.truncated).toBe(1);
    expect(performance.now() - started).toBeLessThan(5000); // as a whole, a minute
  });
});
