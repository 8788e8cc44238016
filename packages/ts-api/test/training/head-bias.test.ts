import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Classifier } from "../../src/classifier/index.ts";
import type { TrainOptions } from "../../src/options/schema.ts";
import { trainRun } from "../../src/training/pipeline/run.ts";
import { openWeights } from "../../src/weights/index.ts";
import { LABELS, type TinyRow, writeTinyCsv, writeTinyModel } from "./tiny.ts";

/** joy in 10 of 40 rows, anger in one, fear in none. */
const ROWS: TinyRow[] = Array.from({ length: 40 }, (_, i) => ({
  text: "it was a day",
  labels: [...(i < 10 ? ["joy"] : []), ...(i === 20 ? ["anger"] : [])],
}));

/** Log-odds of the labels' shares; a label without rows counts as half a row. */
const AT_SHARES = [10 / 30, 1 / 39, 0.5 / 39.5].map(Math.log);

let folder: string;
let base: TrainOptions;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-head-bias-"));
  base = {
    model: await writeTinyModel(join(folder, "model")),
    train: await writeTinyCsv(join(folder, "train.csv"), ROWS),
    outputDir: "",
    // Small enough that one step leaves the bias where it started.
    learningRate: 1e-9,
    maxSteps: 1,
    threads: 1,
    tensorboard: false,
    tokenCache: false,
  };
});
afterAll(() => rm(folder, { recursive: true }));

async function biasAfter(name: string, changes: Partial<TrainOptions>): Promise<number[]> {
  const outputDir = join(folder, name);
  for await (const _ of trainRun({ ...base, ...changes, outputDir }));
  return savedBias(outputDir);
}

async function savedBias(directory: string): Promise<number[]> {
  const weights = await openWeights(directory);
  const bias = await weights.read("classifier.bias");
  await weights.close();
  return [...bias];
}

it("starts at zero, as transformers does", async () => {
  for (const value of await biasAfter("zero", {})) expect(value).toBeCloseTo(0, 6);
});

it("starts at the log-odds of each label's share when asked to", async () => {
  expect(LABELS).toEqual(["joy", "anger", "fear"]);
  const bias = await biasAfter("frequency", { headBias: "frequency" });
  for (const [i, value] of bias.entries()) expect(value).toBeCloseTo(AT_SHARES[i]!, 5);
});

it("starts there in Classifier.train as well, unless the head was trained before", async () => {
  await using classifier = await Classifier.fromPretrained(base.model, { labels: LABELS, threads: 1 });
  const options = { headBias: "frequency", learningRate: 1e-9, maxSteps: 1 } as const;
  const biasAfterTraining = async (rows: TinyRow[], name: string) => {
    for await (const _ of classifier.train({ ...options, train: rows }));
    await classifier.save(join(folder, name));
    return savedBias(join(folder, name));
  };
  const first = await biasAfterTraining(ROWS, "in-process");
  for (const [i, value] of first.entries()) expect(value).toBeCloseTo(AT_SHARES[i]!, 5);
  const second = await biasAfterTraining(ROWS.slice(0, 12), "in-process-again");
  for (const [i, value] of second.entries()) expect(value).toBeCloseTo(AT_SHARES[i]!, 5);
});

it("stays as it was read from a trained model", async () => {
  const model = join(folder, "zero");
  for (const value of await biasAfter("again", { model, headBias: "frequency" }))
    expect(value).toBeCloseTo(0, 6);
});
