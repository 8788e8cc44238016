import { describe, expect, it } from "vitest";
import { trainOptionsSchema } from "../../src/options/schema.ts";
import { type ComparedState, compareWithCheckpoint } from "../../src/training/storage/compare.ts";
import { trainStateSchema } from "../../src/training/storage/state.ts";

const train = { path: "train.csv", bytes: 100, rows: 10, tokens: 50, sha256: "0".repeat(64) };

function state(options: object = {}, changes: Partial<ComparedState> = {}): ComparedState {
  return {
    options: trainOptionsSchema.parse({ model: "m", outputDir: "o", ...options }),
    labels: ["a", "b"],
    model: { hiddenSize: 8 },
    data: { train },
    device: "cpu",
    threads: 2,
    versions: { finetag: "0.1.0", libtorch: "2.13.0" },
    totalSteps: 30,
    ...changes,
  };
}

const compare = (before: ComparedState, now: ComparedState) =>
  compareWithCheckpoint("out/checkpoints/step-00000010", before, now);

describe("a checkpoint that is older than an option", () => {
  const standard = trainOptionsSchema.parse({ model: "m", outputDir: "o" });
  const withDefaults = (Object.keys(standard) as (keyof typeof standard)[]).filter(
    (key) => key !== "model" && key !== "outputDir",
  );

  it.each(withDefaults)("is resumed as it was written: %s", (key) => {
    const { [key]: _, ...older } = standard;
    const saved = trainStateSchema.shape.options.parse(older);
    // Batches were not grouped before there was an option for it.
    const meant = key === "groupByLength" ? false : standard[key];
    expect(saved[key]).toBe(meant);
    expect(compare(state(saved), state({ [key]: meant }))).toEqual([]);
  });
});

describe("compareWithCheckpoint", () => {
  it("lets a run go on whose options only change what is written or shown", () => {
    const now = state({
      saveEvery: 7,
      logEvery: 1,
      keepCheckpoints: 9,
      earlyStopping: 3,
      resume: true,
      tensorboard: false,
    });
    expect(compare(state(), now)).toEqual([]);
  });

  it.each([
    [
      { learningRate: 1e-4 },
      "`learningRate` is 0.0001, but out/checkpoints/step-00000010 was written with 0.00005; give the same value to resume, or start over with `overwrite: true`",
    ],
    [{ seed: 1 }, "`seed` is 1, but"],
    [{ maxSteps: 5 }, "`maxSteps` is 5, but out/checkpoints/step-00000010 was written without it;"],
    [{ dropout: 0 }, "`dropout` is 0"],
    [{ batchSize: 16 }, "`batchSize` is 16"],
    [{ groupByLength: false }, "`groupByLength` is false"],
  ])("names an option that changed: %j", (options, message) => {
    expect(() => compare(state(), state(options))).toThrow(message);
  });

  it("names other data, labels and models", () => {
    const other = { ...train, rows: 11, sha256: "1".repeat(64) };
    expect(() => compare(state(), state({}, { data: { train: other } }))).toThrow(
      "the train data is train.csv (11 rows, 100 bytes, 11111111), but",
    );
    expect(() => compare(state(), state({}, { data: { train, dev: train } }))).toThrow(
      "the dev data is train.csv",
    );
    expect(() => compare(state(), state({}, { labels: ["b", "a"] }))).toThrow("the list of labels is");
    expect(() => compare(state(), state({}, { model: { hiddenSize: 16 } }))).toThrow(
      "the model's hiddenSize is 16",
    );
  });

  it("takes the same data at another path", () => {
    expect(compare(state(), state({}, { data: { train: { ...train, path: "./train.csv" } } }))).toEqual([]);
  });

  it("warns of what may change the last bits", () => {
    expect(
      compare(state(), state({}, { threads: 4, versions: { finetag: "0.1.0", libtorch: "2.14.0" } })),
    ).toEqual([
      "`threads` was 2 when the checkpoint was written and is 4 now; results may differ in the last bits from those of an uninterrupted run",
      "libtorch was 2.13.0 when the checkpoint was written and is 2.14.0 now; results may differ in the last bits from those of an uninterrupted run",
    ]);
  });
});
