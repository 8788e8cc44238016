import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TrainOptions } from "../../src/options/schema.ts";
import { trainRun } from "../../src/training/pipeline/run.ts";
import { tinyRows, writeTinyCsv, writeTinyModel } from "./tiny.ts";

let folder: string;
let base: Omit<TrainOptions, "outputDir">;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-diverged-"));
  base = {
    model: await writeTinyModel(join(folder, "model")),
    train: await writeTinyCsv(join(folder, "train.csv"), tinyRows(32, 1)),
    batchSize: 8,
    maxSteps: 8,
    saveEvery: 1,
    // The rate is 0 in step 1 and breaks the weights in step 2, whose own loss is still finite.
    warmupRatio: 0.25,
    learningRate: 1e38,
    maxGradNorm: 0,
    threads: 1,
    tensorboard: false,
    tokenCache: false,
  };
});
afterAll(() => rm(folder, { recursive: true }));

async function failure(name: string, changes: Partial<TrainOptions> = {}): Promise<unknown> {
  try {
    for await (const _ of trainRun({ ...base, ...changes, outputDir: join(folder, name) }));
  } catch (error) {
    return error;
  }
  throw new Error("the run did not diverge");
}

it("does not call a checkpoint good that holds the weights of the broken step", async () => {
  expect(await failure("train")).toMatchObject({
    code: "ERR_FINETAG_DIVERGED",
    message: `step 3: the loss is NaN; the last good checkpoint is ${join(folder, "train/checkpoints/step-00000001")}; use a lower \`learningRate\` or a higher \`warmupRatio\``,
  });
  expect(await failure("one", { keepCheckpoints: 1 })).toMatchObject({
    message: expect.stringContaining("step 3: the loss is NaN; there is no good checkpoint yet;"),
  });
});

it("names step and checkpoint also when the dev data shows it", async () => {
  const dev = await writeTinyCsv(join(folder, "dev.csv"), tinyRows(16, 2));
  expect(await failure("dev", { dev, evalEvery: 1 })).toMatchObject({
    code: "ERR_FINETAG_DIVERGED",
    message: `step 2: the loss of the dev data is not a number; the last good checkpoint is ${join(folder, "dev/checkpoints/step-00000001")}; use a lower \`learningRate\` or a higher \`warmupRatio\``,
  });
});
