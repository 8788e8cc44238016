/** Every model type through the whole program: read, trained, saved, read again. Parity: test/parity/engine. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Classifier } from "../../src/classifier/index.ts";
import { inspectModel } from "../../src/inspect.ts";
import { writeTinyFamily } from "../training/family.ts";
import { LABELS, tinyRows } from "../training/tiny.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-families-"));
});
afterAll(() => rm(folder, { recursive: true }));

const FAMILIES: [string, string, Record<string, unknown>][] = [
  [
    "albert",
    "AlbertForSequenceClassification",
    { embedding_size: 16, inner_group_num: 2, num_hidden_layers: 1 },
  ],
  ["distilbert", "DistilBertForSequenceClassification", { dim: 32, n_layers: 2, n_heads: 2, hidden_dim: 64 }],
  ["electra", "ElectraForSequenceClassification", { embedding_size: 16 }],
  [
    "ernie",
    "ErnieForSequenceClassification",
    { use_task_id: true, task_type_vocab_size: 3, type_vocab_size: 4 },
  ],
  ["xlm-roberta", "XLMRobertaForSequenceClassification", { type_vocab_size: 1 }],
];

describe.each(FAMILIES)("%s", (modelType, architecture, changes) => {
  it("learns, and predicts the same when it is read again", async () => {
    const encoder = await writeTinyFamily(join(folder, modelType), {
      model_type: modelType,
      tokenizer_class: "BertTokenizer", // of the vocab.txt
      ...changes,
    });
    const saved = join(folder, `${modelType}-saved`);
    const texts = tinyRows(20, 3).map(({ text }) => ({ text }));
    await using classifier = await Classifier.fromPretrained(encoder, {
      labels: LABELS,
      threads: 1,
      dropout: 0,
    });
    const losses: number[] = [];
    const options = { train: tinyRows(400, 1), learningRate: 2e-3, batchSize: 8, epochs: 16 };
    for await (const event of classifier.train(options)) {
      if (event.type === "step") losses.push(event.loss);
    }
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-20))).toBeLessThan(mean(losses.slice(0, 20)) / 2);

    const before = await classifier.predict(texts);
    await classifier.save(saved);
    await using loaded = await Classifier.fromPretrained(saved, { threads: 1 });
    expect(await loaded.predict(texts)).toEqual(before);
    const json = JSON.parse(await readFile(join(saved, "config.json"), "utf8"));
    expect(json).toMatchObject({ model_type: modelType, architectures: [architecture] });
    expect(await inspectModel(saved)).toMatchObject({
      family: modelType,
      hasHead: true,
      freshParameters: [],
      unusedTensors: [],
    });
  });

  it("runs in int8", async () => {
    const saved = join(folder, `${modelType}-saved`);
    await using exact = await Classifier.fromPretrained(saved, { threads: 1 });
    await using int8 = await Classifier.fromPretrained(saved, { threads: 1, precision: "int8" });
    const rows = tinyRows(40, 4);
    const [expected, metrics] = [await exact.evaluate(rows), await int8.evaluate(rows)];
    expect(metrics.micro_f1).toBeCloseTo(expected.micro_f1!, 1);
  });
});
