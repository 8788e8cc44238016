/** Every declared option has the consequences that its declaration says; a new one without any fails here. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TrainingOptions } from "@finetag/core-native";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  evalOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  lossConfig,
  type optimizerFields,
  optionSpecs,
  predictOptionsSchema,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "../../src/options/index.ts";
import type { losses } from "../../src/options/loss.ts";
import type { OptionSpec } from "../../src/options/option.ts";
import { modelCard } from "../../src/report/card.ts";
import { planSteps } from "../../src/training/data/index.ts";
import type { LoopOptions } from "../../src/training/pipeline/loop.ts";
import { optimizerOptions } from "../../src/training/pipeline/optimizer.ts";
import { type ComparedState, compareWithCheckpoint } from "../../src/training/storage/compare.ts";
import { neededBy, otherValue } from "./other-value.ts";

const SPECS = Object.entries(optionSpecs);
const keysWhere = (holds: (spec: OptionSpec) => boolean) =>
  SPECS.filter(([, spec]) => holds(spec)).map(([key]) => key);

/** With a value in place of an option's that need not be valid. */
function optionsWith(changes: object = {}): ResolvedTrainOptions {
  return { ...trainOptionsSchema.parse({ model: "m", outputDir: "o" }), ...changes };
}

describe("over a resume", () => {
  const train = { path: "train.csv", bytes: 100, rows: 10, tokens: 50, sha256: "0".repeat(64) };

  function state(options: ResolvedTrainOptions): ComparedState {
    const { device, threads = 1 } = options;
    return {
      options,
      device,
      threads,
      labels: ["a"],
      model: {},
      data: { train },
      versions: {},
      totalSteps: 9,
    };
  }

  const resumeWith = (changes: object) =>
    compareWithCheckpoint("out/checkpoints/step-00000001", state(optionsWith()), state(optionsWith(changes)));

  it.each(SPECS)("%s is what it is declared to be", (key, { onResume = "fixed" }) => {
    const value = otherValue(key) ?? "another"; // a choice of one has another in an older or newer finetag
    const resume = () => resumeWith({ [key]: value });
    if (onResume === "fixed") expect(resume).toThrow(`\`${key}\` is `);
    else if (onResume === "warned") expect(resume()).toEqual([expect.stringContaining(`\`${key}\` was `)]);
    else expect(resume()).toEqual([]);
  });

  it("is fixed unless it is known to be harmless: an option that is not is listed here too", () => {
    expect(keysWhere(({ onResume }) => onResume === "free")).toEqual([
      "outputDir",
      "offline",
      "test",
      "saveEvery",
      "keepCheckpoints",
      "earlyStopping",
      "resume",
      "overwrite",
      "tokenCache",
      "tensorboard",
      "logEvery",
    ]);
    expect(keysWhere(({ onResume }) => onResume === "warned")).toEqual([
      "evalBatchSize",
      "device",
      "threads",
    ]);
    // How rows are read; the rows themselves are compared. And the model, whose config and labels are.
    for (const key of keysWhere(({ onResume }) => onResume === "compared"))
      expect(key === "model" || optionSpecs[key]!.usedBy.includes("data"), key).toBe(true);
  });
});

describe("an option of the engine", () => {
  function engineOf(changes: object) {
    const options = optionsWith(changes);
    const plan = planSteps(1000, options);
    const { warmupSteps: _warmup, totalSteps: _total, ...optimizer } = optimizerOptions(options, plan);
    return { optimizer, plan, loss: lossConfig(options) };
  }

  it.each(SPECS)("%s reaches what it is declared for, and nothing else", (key, { usedBy }) => {
    const value = otherValue(key);
    if (value === undefined) return; // a choice of one; that of the loss has a test of its own
    const before = engineOf(neededBy(key));
    const after = engineOf({ ...neededBy(key), [key]: value });
    for (const user of ["optimizer", "plan", "loss"] as const) {
      const changes = JSON.stringify(before[user]) !== JSON.stringify(after[user]);
      expect(changes, `${key} ${changes ? "changes" : "does not change"} the ${user}: see its usedBy`).toBe(
        usedBy.includes(user),
      );
    }
  });
});

describe("on the model card", () => {
  const native = { family: "bert", numHiddenLayers: 2, hiddenSize: 8 };
  const cardOf = (options: ResolvedTrainOptions) =>
    modelCard(
      {
        config: { native } as never,
        labels: ["a"],
        finetag: {
          version: 1,
          threshold: options.threshold,
          maxLength: options.maxLength,
          columns: { text: "text", labels: { kind: "none" } },
          arguments: { ...options },
          versions: {},
        },
        baseModel: undefined,
        metrics: undefined,
        training: undefined,
      },
      "acme/tiny",
      undefined,
    );

  it.each(SPECS.filter(([, { card }]) => card !== undefined))("%s has its row", (key, { card }) => {
    const value = otherValue(key) ?? "another";
    const text = typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
    const row = `| ${card} | ${text} |`;
    expect(cardOf(optionsWith({ [key]: value }))).toContain(row);
    expect(cardOf(optionsWith())).not.toContain(row);
  });

  it("each row is one option's", () => {
    const names = SPECS.flatMap(([, { card = [] }]) => card);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("an option that is used by", () => {
  const SOURCES = fileURLToPath(new URL("../../src/training", import.meta.url));
  const code = ["pipeline", "data", "storage"]
    .flatMap((room) => readdirSync(join(SOURCES, room)).map((file) => join(SOURCES, room, file)))
    .map((path) => readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""))
    .join("\n");

  it.each(SPECS)("%s is read by the training or handed to the engine", (key, { usedBy, optimizerField }) => {
    if (usedBy.includes("optimizer") || usedBy.includes("loss")) return; // handed over with all of their kind
    expect(
      optimizerField,
      `${key} has a field of the optimizer, which its usedBy does not say`,
    ).toBeUndefined();
    const isRead = new RegExp(`(\\.|[{,]\\s*)${key}\\b`).test(code);
    expect(isRead, `nothing in src/training reads "${key}": use it there, or remove its declaration`).toBe(
      true,
    );
  });
});

describe("where options are available", () => {
  it("what is declared for a place is in its schema, with its help", () => {
    const places = [
      ["Classifier.train", fitOptionsSchema, []],
      ["eval", evalOptionsSchema, ["precision", "multiLabel", "batchSize"]],
      ["predict", predictOptionsSchema, ["precision", "multiLabel", "batchSize"]],
    ] as const;
    for (const [place, { shape }, own] of places) {
      const declared = keysWhere(({ availableIn = [] }) => availableIn.includes(place));
      expect(Object.keys(shape).sort()).toEqual([...declared, ...own].sort());
      for (const type of Object.values(shape))
        expect(type.meta()).toMatchObject({ description: expect.any(String), heading: expect.any(String) });
    }
  });

  it("what is stored with a model has no other default there", () => {
    expect(predictOptionsSchema.parse({})).toMatchObject({ device: "auto", precision: "float32" });
    expect(predictOptionsSchema.parse({})).not.toHaveProperty("threshold");
    expect(predictOptionsSchema.parse({})).not.toHaveProperty("maxLength");
    expect(predictOptionsSchema.shape.threshold.meta()?.description).toMatch(/\(default: the model's\)$/);
  });

  it("the optimizer knows all that it is told", () => {
    expectTypeOf<ReturnType<typeof optimizerFields>>().toEqualTypeOf<
      Omit<TrainingOptions, "warmupSteps" | "totalSteps">
    >();
  });

  it("types are those of the declarations", () => {
    expectTypeOf<TrainOptions["schedule"]>().toEqualTypeOf<"linear" | "cosine" | "constant" | undefined>();
    expectTypeOf<TrainOptions["model"]>().toEqualTypeOf<string>();
    expectTypeOf<ResolvedTrainOptions["learningRate"]>().toEqualTypeOf<number>();
    expectTypeOf<ResolvedTrainOptions["loss"]>().toEqualTypeOf<keyof typeof losses>();
    expectTypeOf<FitOptions["headBias"]>().toEqualTypeOf<"zero" | "frequency" | undefined>();
    expectTypeOf<FitOptions>().not.toHaveProperty("outputDir");
    expectTypeOf<LoopOptions["evalEvery"]>().toEqualTypeOf<number | "epoch">();
    expectTypeOf<LoopOptions>().not.toHaveProperty("learningRate");
  });
});
