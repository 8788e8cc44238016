/** Which tokenizer a model type has, from its own files. */
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import {
  type Case,
  type Cases,
  differences,
  encodeCases,
  GOLDEN,
  loadTokenizer,
  PARITY,
  peerPython,
  readGolden,
  textOf,
  withFolder,
} from "./parity.ts";

function load(modelType: string, dir: string, json: Record<string, unknown> = {}): Promise<Tokenizer> {
  const all = { model_type: modelType, vocab_size: 60_000, max_position_embeddings: 512, ...json };
  return loadTokenizer(dir, parseModelConfig(all, "config.json"));
}

const VOCAB = join(GOLDEN, "bert-base-chinese");
const WITH_TYPES = ["bert", "electra", "ernie", "albert"];
const WITHOUT_TYPES = ["distilbert"];

function savedConfig(tokenizer: Tokenizer): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(tokenizer.files.get("tokenizer_config.json")));
}

describe("a vocab.txt", () => {
  it.each([...WITH_TYPES, ...WITHOUT_TYPES])("of type %s is BERT's", async (modelType) => {
    const tokenizer = await load(modelType, VOCAB);
    const { types } = textOf(await tokenizer.encode(["中"], ["文"], 8), 0);
    const hasTypes = WITH_TYPES.includes(modelType);
    expect(types).toEqual(hasTypes ? [0, 0, 0, 1, 1] : [0, 0, 0, 0, 0]);
    expect(savedConfig(tokenizer).tokenizer_class).toBe("BertTokenizer");
    expect(savedConfig(tokenizer).model_input_names).toEqual(
      hasTypes ? undefined : ["input_ids", "attention_mask"],
    );
  });

  it.each(["ElectraTokenizerFast", "DistilBertTokenizer", "ErnieTokenizer", "BertTokenizerFast"])(
    "is read where the class is %s",
    async (tokenizer_class) => {
      const tokenizer = await load("bert", VOCAB, { tokenizer_class });
      expect(savedConfig(tokenizer).tokenizer_class).toBe("BertTokenizer");
    },
  );

  it("is cut as in transformers' AutoTokenizer after it was saved", { timeout: 600_000 }, async (context) => {
    const python = peerPython();
    if (python === undefined) return context.skip();
    const cases = await readGolden<Cases>("cases.json");
    for (const modelType of [...WITH_TYPES, ...WITHOUT_TYPES]) {
      const tokenizer = await load(modelType, VOCAB);
      const output = await withFolder(
        undefined,
        { "config.json": { model_type: modelType } },
        async (dir) => {
          for (const [file, bytes] of tokenizer.files) await writeFile(join(dir, file), bytes);
          return execFileSync(python, [join(PARITY, "peer.py"), dir], {
            encoding: "utf8",
            maxBuffer: 2 ** 28,
          });
        },
      );
      for (const [length, expected] of Object.entries<Case[]>(JSON.parse(output))) {
        const encoded = await encodeCases(tokenizer, cases, Number(length));
        expect(differences(encoded, cases, expected), `${modelType}, cut to ${length}`).toEqual([]);
        const typed = expected.some(({ types }) => types !== undefined);
        expect(typed, `${modelType}: token types`).toBe(WITH_TYPES.includes(modelType));
      }
    }
  });
});
