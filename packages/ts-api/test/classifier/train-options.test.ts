/** Every option of `Classifier.train` changes what it does. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Classifier, type ClassifierTrainOptions } from "../../src/classifier/index.ts";
import { fitOptionsSchema } from "../../src/options/index.ts";
import { neededBy, otherValue } from "../options/other-value.ts";
import { LABELS, tinyRows, writeTinyModel } from "../training/tiny.ts";

const common: ClassifierTrainOptions = {
  train: tinyRows(24, 1),
  dev: tinyRows(12, 2),
  batchSize: 4,
  maxSteps: 8,
  learningRate: 1e-3,
};

/** Where more than another value of the option is needed for it to show. */
const CASES: Record<string, { both?: Partial<ClassifierTrainOptions>; value?: unknown }> = {
  devSplit: { both: { dev: undefined } },
  epochs: { both: { maxSteps: undefined } },
  maxLength: { value: 4 },
  maxGradNorm: { value: 0.01 },
  evalEvery: { value: 1 },
  bestMetric: { value: "macro_f1" },
  earlyStopping: { both: { evalEvery: 1, learningRate: 1e-12 }, value: 1 },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-train-options-"));
  await writeTinyModel(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function outcomeOf(changes: Partial<ClassifierTrainOptions>) {
  await using classifier = await Classifier.fromPretrained(folder, {
    labels: LABELS,
    device: "cpu",
    threads: 1,
  });
  const events: string[] = [];
  // The start event repeats the options themselves, which is no effect.
  for await (const event of classifier.train({ ...common, ...changes }))
    events.push(
      JSON.stringify(event, (name, value) => (/second|rss|^options$/i.test(name) ? undefined : value)),
    );
  const predictions = await classifier.predict(["we saw a glad day", "so very mad"]);
  return { events, predictions };
}

const keys = (Object.keys(fitOptionsSchema.shape) as (keyof typeof fitOptionsSchema.shape)[]).filter(
  (key) => otherValue(key) !== undefined, // not a choice of one, as the loss
);

let usual: ReturnType<typeof outcomeOf> | undefined;

it("the same options give the same outcome", async () => {
  expect(await outcomeOf({})).toEqual(await outcomeOf({}));
});

it.each(keys)("%s", async (key) => {
  const { value = otherValue(key, common[key]), ...given } = CASES[key] ?? {};
  const both = { ...neededBy(key), ...given.both };
  usual ??= outcomeOf({});
  const before = await (Object.keys(both).length === 0 ? usual : outcomeOf(both));
  expect(await outcomeOf({ ...both, [key]: value })).not.toEqual(before);
});

it("headBias leaves a head alone that was trained before", async () => {
  await using classifier = await Classifier.fromPretrained(folder, { labels: LABELS, device: "cpu" });
  const text = "it was a day";
  for await (const _ of classifier.train({ ...common, maxSteps: 1 }));
  const [before] = await classifier.predict(text);
  for await (const _ of classifier.train({
    ...common,
    maxSteps: 1,
    learningRate: 1e-12,
    headBias: "frequency",
  }));
  const [after] = await classifier.predict(text);
  for (const label of LABELS)
    expect(after!.probabilities[label]).toBeCloseTo(before!.probabilities[label]!, 5);
});
