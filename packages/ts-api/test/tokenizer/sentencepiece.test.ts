/** SentencePiece models. Golden values: test/parity/sentencepiece/golden/, made by generate.py there. */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FinetagError } from "../../src/errors/index.ts";
import { parseModelConfig } from "../../src/models/config.ts";
import type { ModelConfig } from "../../src/models/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import { charsmapFault } from "../../src/tokenizer/sentencepiece/charsmap.ts";
import { parseSentencePiece } from "../../src/tokenizer/sentencepiece/read-model.ts";
import {
  type Case,
  type Cases,
  differences,
  encodeCases,
  loadTokenizer,
  PARITY,
  peerPython,
  textOf,
  withFolder,
} from "./parity.ts";

const GOLDEN = join(PARITY, "..", "sentencepiece", "golden");
const FILES = {
  albert: "spiece.model",
  "albert-cased": "spiece.model",
  "xlm-roberta": "sentencepiece.bpe.model",
  bpe: "tokenizer.model",
  "bpe-whole": "tokenizer.model",
};
type Name = keyof typeof FILES;
const NAMES = Object.keys(FILES) as Name[];

/** What the Rust core, as in transformers, does in another way than SentencePiece; README.md there says why. */
const UNLIKE: Partial<Record<Name, string[]>> = {
  bpe: ["japanese", "all roberta specials", "roberta specials in words", "pair with specials"],
  "bpe-whole": ["all roberta specials", "roberta specials in words", "pair with specials"],
};

async function readGolden<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(GOLDEN, name), "utf8"));
}

const cases = await readGolden<Cases>("cases.json");

async function configOf(name: Name): Promise<ModelConfig> {
  const { model_type } = await readGolden<{ model_type: string }>(`${name}/config.json`);
  return parseModelConfig({ model_type, vocab_size: 1000, max_position_embeddings: 516 }, "config.json");
}

async function load(name: Name, dir = join(GOLDEN, name)): Promise<Tokenizer> {
  return loadTokenizer(dir, await configOf(name));
}

async function withSaved<T>(name: Name, use: (dir: string) => Promise<T>): Promise<T> {
  const { files } = await load(name);
  return withFolder(undefined, { "config.json": await readGolden(`${name}/config.json`) }, async (dir) => {
    for (const [file, bytes] of files) await writeFile(join(dir, file), bytes);
    return use(dir);
  });
}

function jsonOf(tokenizer: Tokenizer, file: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(tokenizer.files.get(file)));
}

describe.each(NAMES)("%s", async (name) => {
  const golden = await readGolden<{ results: Record<string, Case[]> }>(`${name}.json`);
  const lengths = Object.keys(golden.results);

  it.each(lengths)("gives the reference's ids for all cases, cut to %s", async (length) => {
    const check = async (dir?: string) => {
      const encoded = await encodeCases(await load(name, dir), cases, Number(length));
      return differences(encoded, cases, golden.results[length]!);
    };
    expect(await check()).toEqual(UNLIKE[name] ?? []);
    expect(await withSaved(name, check), "saved by finetag and read again").toEqual(UNLIKE[name] ?? []);
  });
});

describe("what is saved", () => {
  it("names the class that builds the same tokenizer, and its settings", async () => {
    expect(jsonOf(await load("albert"), "tokenizer_config.json")).toMatchObject({
      tokenizer_class: "AlbertTokenizer",
      do_lower_case: true,
      keep_accents: false,
      cls_token: "[CLS]",
      unk_token: "<unk>",
      model_input_names: ["input_ids", "token_type_ids", "attention_mask"],
    });
    expect(jsonOf(await load("albert-cased"), "tokenizer_config.json")).toMatchObject({
      do_lower_case: false,
      keep_accents: true,
    });
    const xlmRoberta = await load("xlm-roberta");
    expect(jsonOf(xlmRoberta, "tokenizer_config.json")).toEqual({
      tokenizer_class: "XLMRobertaTokenizer",
      model_max_length: 514,
      bos_token: "<s>",
      eos_token: "</s>",
      sep_token: "</s>",
      cls_token: "<s>",
      unk_token: "<unk>",
      pad_token: "<pad>",
      mask_token: "<mask>",
    });
    expect([...xlmRoberta.files.keys()]).toContain("sentencepiece.bpe.model");
    expect(jsonOf(await load("bpe"), "tokenizer_config.json")).toMatchObject({
      tokenizer_class: "PreTrainedTokenizerFast",
    });
  });

  it("gives the same ids in transformers' AutoTokenizer", { timeout: 600_000 }, async (context) => {
    const python = peerPython();
    if (python === undefined) return context.skip();
    const tokens = JSON.parse(await readFile(join(PARITY, "golden", "cases.json"), "utf8")) as Cases;
    for (const name of NAMES) {
      const tokenizer = await load(name);
      const output = await withSaved(name, async (dir) =>
        execFileSync(python, [join(PARITY, "peer.py"), dir], { encoding: "utf8", maxBuffer: 2 ** 28 }),
      );
      for (const [length, expected] of Object.entries<Case[]>(JSON.parse(output))) {
        const encoded = await encodeCases(tokenizer, tokens, Number(length));
        expect(differences(encoded, tokens, expected), `${name}, cut to ${length}`).toEqual([]);
      }
    }
  });
});

describe("types of a pair", () => {
  it("are 0 and 1 for ALBERT, all 0 for XLM-RoBERTa", async () => {
    const typesOf = async (name: Name) =>
      textOf(await (await load(name)).encode(["a"], ["b"], 32), 0).types.join("");
    expect(await typesOf("albert")).toMatch(/^0+1+$/);
    expect(await typesOf("xlm-roberta")).toMatch(/^0+$/);
  });

  it("are all 0 where the files say that the model is not given any", async () => {
    const files = { "tokenizer_config.json": { model_input_names: ["input_ids", "attention_mask"] } };
    const tokenizer = await withFolder(join(GOLDEN, "albert"), files, (dir) => load("albert", dir));
    const encoded = await tokenizer.encode(["a"], ["b"], 32);
    expect(encoded.tokenTypes.every((type) => type === 0)).toBe(true);
    expect(jsonOf(tokenizer, "tokenizer_config.json").model_input_names).toEqual([
      "input_ids",
      "attention_mask",
    ]);
  });
});

/** `transformers_version` as save_pretrained writes it. */
describe("a directory that transformers 5 saved without naming token types", () => {
  const classifier = ["AlbertForSequenceClassification"];
  const encoder = ["AlbertForMaskedLM"];

  async function pair(json: Record<string, unknown>, settings: Record<string, unknown>) {
    const config = parseModelConfig(
      { model_type: "albert", vocab_size: 1000, max_position_embeddings: 516, ...json },
      "config.json",
    );
    const files = {
      "tokenizer_config.json": settings,
      "tokenizer.json": jsonOf(await load("albert"), "tokenizer.json"),
    };
    return withFolder(undefined, files, async (folder) => {
      const tokenizer = await loadTokenizer(folder, config);
      const types = textOf(await tokenizer.encode(["a"], ["b"], 32), 0).types.join("");
      return { types, warnings: tokenizer.warnings, saved: jsonOf(tokenizer, "tokenizer_config.json") };
    });
  }

  it.each<[string, Record<string, unknown>, RegExp, RegExp | undefined]>([
    [
      "a classifier",
      { transformers_version: "5.18.0", architectures: classifier },
      /^0+$/,
      /type 0 both, as transformers 5/,
    ],
    [
      "an encoder",
      { transformers_version: "5.18.0", architectures: encoder },
      /^0+1+$/,
      /types 0 and 1, as the encoder/,
    ],
    [
      "a classifier of version 4",
      { transformers_version: "4.49.0", architectures: classifier },
      /^0+1+$/,
      undefined,
    ],
    ["a published encoder", { architectures: encoder }, /^0+1+$/, undefined],
  ])("%s", async (_, json, types, said) => {
    for (const settings of [
      { tokenizer_class: "AlbertTokenizer" },
      { tokenizer_class: "TokenizersBackend", cls_token: "[CLS]", sep_token: "[SEP]" },
    ]) {
      const found = await pair(json, settings);
      expect(found.types).toMatch(types);
      expect(found.warnings).toEqual(said === undefined ? [] : [expect.stringMatching(said)]);
      // What finetag saves says it, so that it is not asked again.
      expect(found.saved.model_input_names).toEqual(
        types.source.includes("1")
          ? ["input_ids", "token_type_ids", "attention_mask"]
          : ["input_ids", "attention_mask"],
      );
    }
  });

  it("gives the other types once the files say what the message advises", async () => {
    for (const architectures of [classifier, encoder]) {
      const json = { transformers_version: "5.18.0", architectures };
      const { types, warnings } = await pair(json, { tokenizer_class: "AlbertTokenizer" });
      const advised = JSON.parse(`{${/put ("model_input_names": \[.+?\])/.exec(warnings[0]!)![1]}}`);
      const other = await pair(json, { tokenizer_class: "AlbertTokenizer", ...advised });
      expect(other.warnings).toEqual([]);
      expect(other.types.includes("1")).toBe(!types.includes("1"));
    }
  });

  it("says nothing for BERT, whose class names its types", async () => {
    const config = parseModelConfig(
      {
        model_type: "bert",
        vocab_size: 60_000,
        transformers_version: "5.18.0",
        architectures: ["BertForSequenceClassification"],
      },
      "config.json",
    );
    const tokenizer = await loadTokenizer(join(PARITY, "golden", "bert-base-uncased"), config);
    expect(tokenizer.warnings).toEqual([]);
    expect(textOf(await tokenizer.encode(["a"], ["b"], 32), 0).types.join("")).toMatch(/^0+1+$/);
  });
});

describe("a class without bytes over a model with them", () => {
  it("says at opening that unknown characters are unknown tokens", async () => {
    await withFolder(join(GOLDEN, "xlm-roberta"), {}, async (dir) => {
      const tokenizer = await load("xlm-roberta", dir);
      expect(tokenizer.warnings).toEqual([]);
      const json = jsonOf(tokenizer, "tokenizer.json") as { model: object };
      const bytes = { ...json, model: { ...json.model, byte_fallback: true } };
      await withFolder(undefined, { "tokenizer.json": bytes }, async (other) => {
        const warned = await load("xlm-roberta", other);
        expect(warned.warnings).toEqual([
          expect.stringContaining("XLMRobertaTokenizer of transformers 5 does not use"),
        ]);
        expect(warned.identity).toBe(tokenizer.identity);
      });
    });
  });
});

describe("damaged models", () => {
  const fault = (bytes: Uint8Array): string | undefined => {
    try {
      parseSentencePiece(bytes, "spiece.model");
      return undefined;
    } catch (error) {
      expect((error as FinetagError).code).toBe("ERR_FINETAG_MODEL");
      return (error as Error).message;
    }
  };

  it.each(["albert", "bpe"] as const)("%s, cut off at any byte, is refused in one line", async (name) => {
    const bytes = await readFile(join(GOLDEN, name, FILES[name]));
    const whole = parseSentencePiece(bytes, "spiece.model");
    let complete = 0;
    for (let length = 0; length < bytes.length; length++) {
      const message = fault(bytes.subarray(0, length));
      if (message !== undefined) expect(message).toMatch(/^spiece\.model: [^\n]+$/);
      else {
        // What comes after the specs says nothing about ids.
        complete++;
        expect(parseSentencePiece(bytes.subarray(0, length), "spiece.model")).toEqual(whole);
      }
    }
    expect(complete).toBeLessThan(4);
  });

  it("of BPE whose pieces could be merged without end are refused", async () => {
    const bytes = await readFile(join(GOLDEN, "bpe", FILES.bpe));
    // Field 1 of the model is a piece, and field 1 of that its text; both lengths take two bytes.
    const long = (length: number) => [(length & 127) | 128, length >> 7];
    const chain = (longest: number) =>
      Array.from({ length: longest }, (_, i) => {
        const text = Buffer.from("Ж".repeat(100 + i));
        const score = Buffer.of(0x15, 0, 0, 0, 0);
        const piece = Buffer.concat([Buffer.of(10, ...long(text.length)), text, score]);
        return Buffer.concat([Buffer.of(10, ...long(piece.length)), piece]);
      });
    expect(fault(Buffer.concat([bytes, ...chain(20)]))).toBeUndefined();
    expect(fault(Buffer.concat([bytes, ...chain(500)]))).toBe(
      "spiece.model: its pieces are too long to be those of a BPE model; fetch the file of the weights again",
    );
  });

  it("with flipped bits, are refused or work", { timeout: 60_000 }, async () => {
    const bytes = await readFile(join(GOLDEN, "albert", "spiece.model"));
    const config = await configOf("albert");
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const outcomes = { refused: 0, works: 0 };
    for (let round = 0; round < 400; round++) {
      const damaged = Buffer.from(bytes);
      // The first rounds hit pieces, the others mostly the charsmap, which ends the file.
      const at = round % 2 === 0 ? random(bytes.length) : bytes.length - 1 - random(2500);
      damaged[at]! ^= 1 << random(8);
      const message = fault(damaged);
      if (message !== undefined) {
        outcomes.refused++;
        expect(message).toMatch(/^spiece\.model: [^\n]+$/);
        continue;
      }
      await withFolder(undefined, {}, async (dir) => {
        await writeFile(join(dir, "spiece.model"), damaged);
        try {
          const tokenizer = await loadTokenizer(dir, config);
          await encodeCases(tokenizer, cases, 64);
          outcomes.works++;
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
          outcomes.refused++;
        }
      });
    }
    expect(outcomes.refused).toBeGreaterThan(20);
    expect(outcomes.works).toBeGreaterThan(20);
  });

  it.each<[string, number[], string]>([
    ["an empty file", [], "not a SentencePiece model, or cut off"],
    ["a text", [...Buffer.from("hello world")], "not a SentencePiece model, or damaged"],
    ["a piece that claims 4 GB", [10, 0xff, 0xff, 0xff, 0xff, 0x0f], "damaged (cut off)"],
    ["empty pieces", [10, 0, 10, 0], "piece 0 is empty"],
    ["a piece twice", [10, 3, 10, 1, 97, 10, 3, 10, 1, 97], "piece 1 is empty, a duplicate"],
    ["groups without an end", Array.from({ length: 100_000 }, () => 11), "damaged"],
    ["a model of words", [10, 3, 10, 1, 97, 18, 2, 24, 3, 26, 0], "model type 3 is neither"],
    ["no unknown piece", [10, 3, 10, 1, 97, 18, 0, 26, 0], "piece 0 is not the unknown one"],
  ])("%s", (_, bytes, message) => {
    expect(fault(Uint8Array.from(bytes))).toContain(message);
  });

  it("a trie that points outside itself is found out, also in tokenizer.json", async () => {
    // One unit, whose children would lie 256 units away: the core would end the process.
    const charsmap = Buffer.alloc(8);
    charsmap.writeUInt32LE(4, 0);
    charsmap.writeUInt32LE(256 << 10, 4);
    expect(charsmapFault(charsmap)).toBe("its trie points outside");
    const json = jsonOf(await load("xlm-roberta"), "tokenizer.json");
    json.normalizer = {
      type: "Sequence",
      normalizers: [{ type: "Precompiled", precompiled_charsmap: charsmap.toString("base64") }],
    };
    await expect(
      withFolder(undefined, { "tokenizer.json": json }, (dir) => load("xlm-roberta", dir)),
    ).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("precompiled_charsmap: its trie points outside"),
    });
  });

  it("XLM-RoBERTa's numbers are not given to a model of another make", async () => {
    const bytes = await readFile(join(GOLDEN, "albert", "spiece.model"));
    await withFolder(undefined, {}, async (dir) => {
      await writeFile(join(dir, "sentencepiece.bpe.model"), bytes);
      await expect(load("xlm-roberta", dir)).rejects.toThrow("its first pieces are not <unk>, <s>, </s>");
    });
  });
});
