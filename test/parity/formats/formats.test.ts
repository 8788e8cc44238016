/**
 * One model in each format that is read: the tensors that transformers' own converters make of it, and the same logits.
 * Golden values: made by generate.py. See ../README.md.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier, convertModel, inspectModel, type TextInput } from "@finetag/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSafetensors, openWeights } from "../../../packages/ts-api/src/weights/index.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const LABELS = ["a", "b", "c"];

/** As the engine's own parity asks: float32 against float64 of logits about 1. */
const TOLERANCE = 2e-6;

interface Golden {
  texts: (string | [string, string])[];
  logits: Record<string, number[][]>;
}

const golden = JSON.parse(await readFile(join(HERE, "golden.json"), "utf8")) as Golden;
const TEXTS: TextInput[] = golden.texts.map((text) =>
  typeof text === "string" ? { text } : { text: text[0], textPair: text[1] },
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-formats-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** All tensors by name, as bits. */
async function readBits(directory: string): Promise<Map<string, Uint32Array>> {
  const file = await openWeights(directory);
  const tensors = new Map<string, Uint32Array>();
  for (const { name, dtype } of file.entries()) {
    if (dtype === "F32") tensors.set(name, new Uint32Array((await file.read(name)).buffer));
  }
  await file.close();
  return tensors;
}

async function readGolden(name: string): Promise<Map<string, Uint32Array>> {
  const file = await openSafetensors(join(HERE, `${name}.safetensors`));
  const tensors = new Map<string, Uint32Array>();
  for (const entry of file.entries())
    tensors.set(entry.name, new Uint32Array((await file.read(entry.name)).buffer));
  await file.close();
  return tensors;
}

/** float64; exact to about 1e-11 for the logits here. */
const logit = (p: number): number => Math.log(p) - Math.log1p(-p);

async function logitsOf(directory: string): Promise<number[][]> {
  await using classifier = await Classifier.fromPretrained(directory, { labels: LABELS, device: "cpu" });
  expect(classifier.freshParameters).toEqual([]);
  const predictions = await classifier.predict(TEXTS);
  return predictions.map(({ probabilities }) => Object.values(probabilities).map(logit));
}

function largestDifference(values: number[][], expected: number[][]): number {
  return Math.max(...values.flatMap((row, i) => row.map((value, l) => Math.abs(value - expected[i]![l]!))));
}

const modern = (name: string) =>
  name.replace(/LayerNorm\.gamma$/, "LayerNorm.weight").replace(/LayerNorm\.beta$/, "LayerNorm.bias");

describe("the tensors are those of transformers' converters, to the bit", () => {
  test.each(["bert-tf", "albert-tf"])("%s", async (name) => {
    const [tensors, expected] = [await readBits(join(HERE, name)), await readGolden(name)];
    expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [tensor, bits] of expected) expect(tensors.get(tensor), tensor).toEqual(bits);
  });

  test.each(["bert-pytorch", "bert-pytorch-old", "bert-safetensors-shards", "bert-pytorch-shards"])(
    "%s",
    async (name) => {
      const expected = await readGolden("bert-tf");
      let found = 0;
      for (const [tensor, bits] of await readBits(join(HERE, name))) {
        if (tensor.includes(".decoder.")) continue; // the word embeddings and a bias once more
        expect(bits, tensor).toEqual(expected.get(modern(tensor)));
        found++;
      }
      expect(found).toBe(name === "bert-pytorch-old" ? 48 : 41);
    },
  );
});

describe("the logits are transformers', and the same bits in each format and after a conversion", () => {
  test.each<[string, string[]]>([
    [
      "bert",
      ["bert-tf", "bert-pytorch", "bert-pytorch-old", "bert-safetensors-shards", "bert-pytorch-shards"],
    ],
    ["bert-float16", ["bert-safetensors-float16", "bert-pytorch-float16"]],
    ["bert-bfloat16", ["bert-safetensors-bfloat16", "bert-pytorch-bfloat16", "bert-tf-bfloat16"]],
    ["albert", ["albert-tf"]],
    ["albert-groups", ["albert-groups-tf"]],
  ])("%s", async (model, [first = "", ...others]) => {
    const logits = await logitsOf(join(HERE, first));
    expect(largestDifference(logits, golden.logits[model]!)).toBeLessThanOrEqual(TOLERANCE);
    for (const other of others) expect(await logitsOf(join(HERE, other)), other).toEqual(logits);
    for (const name of [first, ...others]) {
      await convertModel(join(HERE, name), join(folder, name));
      expect(await logitsOf(join(folder, name)), `${name}, converted`).toEqual(logits);
    }
  });

  test("rounding the weights shows in them", () => {
    const { bert, "bert-float16": float16, "bert-bfloat16": bfloat16 } = golden.logits;
    expect(largestDifference(float16!, bert!)).toBeGreaterThan(100 * TOLERANCE);
    expect(largestDifference(bfloat16!, float16!)).toBeGreaterThan(100 * TOLERANCE);
  });
});

describe("a converted model", () => {
  test.each([
    ["bert-tf", "bert-tf", "BertForSequenceClassification", 41],
    ["bert-pytorch-old", "bert-tf", "BertForSequenceClassification", 41],
    ["albert-tf", "albert-tf", "AlbertForSequenceClassification", 27],
  ])("%s is a directory as transformers has them", async (name, expected, architecture, count) => {
    const directory = join(folder, `converted-${name}`);
    const result = await convertModel(join(HERE, name), directory);
    expect(result).toMatchObject({ directory, architecture, tensors: count });
    expect(result.left.length).toBe(7);
    expect(result.left.every((tensor) => /^(cls|predictions|sop_classifier)\./.test(tensor))).toBe(true);
    expect((await readdir(directory)).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
      "vocab.txt",
    ]);
    const [tensors, weights] = [await readBits(directory), await readGolden(expected)];
    for (const [tensor, bits] of tensors) expect(bits, tensor).toEqual(weights.get(tensor));
    expect(tensors.size).toBe(count);
    const config = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
    expect(config).toMatchObject({
      model_type: architecture.startsWith("Albert") ? "albert" : "bert",
      architectures: [architecture],
      dtype: "float32",
      hidden_size: 16,
      id2label: { 0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2" },
    });
    expect(await inspectModel(directory)).toMatchObject({
      format: "safetensors",
      hasHead: true,
      loadedTensors: count,
    });
  });
});
