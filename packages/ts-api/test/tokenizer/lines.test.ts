/** Texts with line breaks, tabs and spaces anywhere. Golden values: test/parity/sentencepiece/golden/lines.json. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import { loadTokenizer, PARITY, textOf, withFolder } from "./parity.ts";

interface Combination {
  model: string;
  /** Of transformers; absent where SentencePiece itself is the reference. */
  class?: string;
  rule: string;
  removeExtraWhitespaces: boolean;
  addDummyPrefix: boolean;
  /** By text, without special tokens. */
  ids: string[];
}

interface Golden {
  texts: string[];
  charsmaps: Record<string, string>;
  models: Record<string, string>;
  results: Combination[];
}

const PATH = join(PARITY, "..", "sentencepiece", "golden", "lines.json");
const golden: Golden = JSON.parse(await readFile(PATH, "utf8"));
const combinations = golden.results.map((each) => {
  const spaces = each.removeExtraWhitespaces ? "single spaces" : "all spaces";
  return {
    ...each,
    name: `${each.class ?? "SentencePiece"}, ${each.model}, ${each.rule}, ${spaces}, prefix: ${each.addDummyPrefix}`,
  };
});

const FILES: Record<string, string> = {
  AlbertTokenizer: "spiece.model",
  XLMRobertaTokenizer: "sentencepiece.bpe.model",
};

/** The model with another `NormalizerSpec` (field 3): of two, the later one holds. */
function modelOf({ model, rule, removeExtraWhitespaces, addDummyPrefix }: Combination): Buffer {
  const charsmap = Buffer.from(golden.charsmaps[rule]!, "base64");
  const flags = Buffer.of(0x18, Number(addDummyPrefix), 0x20, Number(removeExtraWhitespaces), 0x28, 1);
  const spec = Buffer.concat([Buffer.of(0x12), varint(charsmap.length), charsmap, flags]);
  const base = Buffer.from(golden.models[model]!, "base64");
  return Buffer.concat([base, Buffer.of(0x1a), varint(spec.length), spec]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

const GENERAL = "PreTrainedTokenizerFast";

async function idsIn(dir: string, className = GENERAL): Promise<string[]> {
  const modelType = { AlbertTokenizer: "albert", XLMRobertaTokenizer: "xlm-roberta" }[className] ?? "roberta";
  const config = parseModelConfig({ model_type: modelType, vocab_size: 1000 }, "config.json");
  const encoded = await (await loadTokenizer(dir, config)).encode(golden.texts, undefined, 10_000);
  return golden.texts.map((_, i) => textOf(encoded, i).ids.slice(1, -1).join(" "));
}

/** Texts with other ids than the reference's. */
function unlike(ids: string[], { ids: expected }: Combination): string[] {
  return golden.texts.flatMap((text, i) =>
    ids[i] === expected[i] ? [] : [`${JSON.stringify(text)}: ${ids[i]} and not ${expected[i]}`],
  );
}

it("tries breaks of every kind at both ends and inside", () => {
  for (const kind of ["\n", "\r\n", "\r", "\t", " ", "\u2028", "\u2581"]) {
    const has = (test: (text: string) => boolean) => golden.texts.some(test);
    expect(has((text) => text.startsWith(kind)) && has((text) => text.endsWith(kind))).toBe(true);
    expect(has((text) => text.slice(1, -1).includes(kind))).toBe(true);
  }
});

describe("ids of the reference", () => {
  it.each(combinations)("$name", async (combination) => {
    const { class: className = GENERAL } = combination;
    const files = { "tokenizer_config.json": { tokenizer_class: className } };
    await withFolder(undefined, files, async (dir) => {
      await writeFile(join(dir, FILES[className] ?? "tokenizer.model"), modelOf(combination));
      expect(unlike(await idsIn(dir, className), combination)).toEqual([]);
    });
  });
});

describe("what is saved gives the same ids again", () => {
  const some = combinations.filter(({ rule }) => rule === "nfkc" || rule === "nmt_nfkc");
  it.each(some)("$name", async (combination) => {
    const { class: className = GENERAL } = combination;
    const files = { "tokenizer_config.json": { tokenizer_class: className } };
    await withFolder(undefined, files, async (dir) => {
      await writeFile(join(dir, FILES[className] ?? "tokenizer.model"), modelOf(combination));
      const config = parseModelConfig({ model_type: "roberta", vocab_size: 1000 }, "config.json");
      const saved = await loadTokenizer(dir, config);
      await withFolder(undefined, {}, async (copy) => {
        for (const [name, bytes] of saved.files)
          if (name.endsWith(".json")) await writeFile(join(copy, name), bytes);
        expect(unlike(await idsIn(copy, className), combination)).toEqual([]);
      });
    });
  });
});
