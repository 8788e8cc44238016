/** An error about an option names it: in the message for people, in `option` for programs. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Classifier, type ClassifierTrainOptions, type LoadOptions } from "../../src/classifier/index.ts";
import { openData } from "../../src/data/index.ts";
import { FinetagError } from "../../src/errors/index.ts";
import { optionSpecs, parseOptions, trainOptionsSchema } from "../../src/options/index.ts";
import { inferenceOptions } from "../../src/options/inference.ts";
import { writeManifest } from "../../src/training/storage/manifest.ts";
import { otherValue } from "../options/other-value.ts";
import { setUpRuns } from "../training/runs.ts";
import { LABELS, tinyRows } from "../training/tiny.ts";

const tiny = setUpRuns("error-options");
const { run } = tiny;
const DECLARED = new Set([...Object.keys(optionSpecs), ...Object.keys(inferenceOptions)]);

async function errorOf(call: () => unknown): Promise<FinetagError> {
  const error = await (async () => await call())().then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(FinetagError);
  return error as FinetagError;
}

/** Checks that the first option in the message is the error's, and returns it. */
async function optionOf(call: () => unknown): Promise<string | undefined> {
  const { code, message, option } = await errorOf(call);
  expect(["ERR_FINETAG_ARGUMENT", "ERR_FINETAG_CHECKPOINT"]).toContain(code);
  const named = [...message.matchAll(/`(\w+)(?:: [^`]*)?`/g)].map(([, key]) => key!);
  const first = named.find((key) => DECLARED.has(key));
  if (first !== undefined) expect(option, message).toBe(first);
  return option;
}

describe("the validator", () => {
  const valid = { model: "m", outputDir: "o" };

  it.each([...DECLARED].filter((key) => key in trainOptionsSchema.shape))("%s", async (key) => {
    expect(await optionOf(() => parseOptions(trainOptionsSchema, { ...valid, [key]: Symbol("x") }))).toBe(
      key,
    );
  });

  it("a part of an option, an unknown one, a missing one", async () => {
    expect(await optionOf(() => parseOptions(trainOptionsSchema, { ...valid, columns: ["a", ""] }))).toBe(
      "columns",
    );
    expect((await errorOf(() => parseOptions(trainOptionsSchema, { ...valid, batchsize: 3 }))).option).toBe(
      "batchsize",
    );
    expect(await optionOf(() => parseOptions(trainOptionsSchema, { model: "m" }))).toBe("outputDir");
  });
});

describe("a run", () => {
  it.each([
    ["maxLength", { maxLength: 65 }],
    ["maxLength", { maxLength: 1 }],
    ["bestMetric", { bestMetric: "f1" }],
    ["train", { train: undefined }],
    ["devSplit", { devSplit: 0.1 }],
    ["earlyStopping", { dev: undefined, earlyStopping: 1 }],
    ["resume", { resume: true, overwrite: true }],
    ["labelColumns", { labelColumns: ["joy"], labelsColumn: "fear" }],
    ["labelColumns", { labelColumns: ["joy", "joy"] }],
    ["idColumn", { textColumn: "text", idColumn: "text" }],
    ["textPairColumn", { textColumn: "text", textPairColumn: "text" }],
    ["labelColumns", { labelColumns: [] }],
  ] as const)("%s: %j", async (option, changes) => {
    expect(await optionOf(() => run(changes as object))).toBe(option);
  });

  it("an output directory that cannot be used", async () => {
    const file = join(tiny.folder, "file");
    await writeFile(file, "");
    expect(await optionOf(() => run({ outputDir: file }))).toBe("outputDir");
    expect(await optionOf(() => run({ outputDir: tiny.base.model }))).toBe("outputDir");
    const foreign = join(tiny.folder, "foreign");
    await mkdir(foreign);
    await writeFile(join(foreign, "model.safetensors"), "");
    expect(await optionOf(() => run({ outputDir: foreign, resume: true }))).toBe("outputDir");
    await run({ maxSteps: 1 });
    expect(await optionOf(() => run({ maxSteps: 1 }))).toBe("resume");
  });

  it("a checkpoint of another run", { timeout: 60_000 }, async () => {
    await run({ maxSteps: 2 });
    const fixed = ["learningRate", "batchSize", "seed", "dropout", "threshold", "evalEvery", "bestMetric"];
    for (const key of fixed) {
      const value = key === "bestMetric" ? "macro_f1" : otherValue(key);
      const changes = { maxSteps: 2, resume: true, [key]: value } as object;
      expect(await optionOf(() => run(changes))).toBe(key);
    }
    const train = join(tiny.folder, "fewer.csv");
    const lines = (await readFile(tiny.base.train!, "utf8")).split("\n");
    await writeFile(train, lines.slice(0, 100).join("\n"));
    expect(await optionOf(() => run({ maxSteps: 2, resume: true, train }))).toBe("overwrite");

    const checkpoint = join(tiny.out, "checkpoints", "step-00000002");
    const state = join(checkpoint, "state.json");
    const text = await readFile(state, "utf8");
    await writeFile(state, text.replace('"version": 1', '"version": 2'));
    await rm(join(checkpoint, "manifest.json"));
    await writeManifest(checkpoint);
    expect(await optionOf(() => run({ maxSteps: 2, resume: true }))).toBe("overwrite");
  });

  it.each([
    ["textColumn", { textColumn: "txt" }],
    ["textPairColumn", { textPairColumn: "pair" }],
    ["idColumn", { idColumn: "key" }],
    ["labelColumns", { labelColumns: ["joy", "rage"] }],
    ["labelsColumn", { labelsColumn: "emotions" }],
    ["columns", { header: false, columns: ["id", "text"] }],
    ["columns", { header: false }],
  ] as const)("data that does not fit %s: %j", async (option, changes) => {
    expect(await errorOf(() => run(changes as object))).toMatchObject({ code: "ERR_FINETAG_DATA", option });
  });
});

describe("data", () => {
  it("that is refused before it is read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "finetag-error-options-"));
    try {
      const path = join(folder, "rows.jsonl");
      await writeFile(path, '{"text": "x", "labels": "a"}\n');
      const open = (spec: object, labels?: string[]) =>
        openData({ path, ...spec }, { requireLabels: true, labels });
      expect(await optionOf(() => open({ columns: ["text"] }))).toBe("columns");
      expect(await optionOf(() => open({ header: false }))).toBe("header");
      expect(await optionOf(() => open({ format: "xml" }))).toBe("format");
      expect(await optionOf(() => open({ labelsColumn: "labels", labelSeparator: "" }))).toBe(
        "labelSeparator",
      );
      expect(await optionOf(() => open({}, []))).toBe("labels");
      const tsv = join(folder, "rows.tsv");
      await writeFile(tsv, "x\ta\n");
      const twice = { path: tsv, header: false, columns: ["a", "a"] };
      expect(await optionOf(() => open(twice))).toBe("columns");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("Classifier", () => {
  let classifier: Classifier;
  const open = (options: LoadOptions = {}) =>
    Classifier.fromPretrained(tiny.base.model, { labels: LABELS, device: "cpu", threads: 1, ...options });
  beforeAll(async () => {
    classifier = await open();
  });
  afterAll(() => classifier.dispose());

  it.each([
    ["batchSize", { batchSize: 0 }],
    ["batchSize", { batchSize: 1.5 }],
    ["threshold", { threshold: 7 }],
    ["threshold", { threshold: Number.NaN }],
  ] as const)("predict and evaluate refuse %s: %j", async (option, changes) => {
    const predicting = () => classifier.predict("x", changes);
    const evaluating = () => classifier.evaluate(tinyRows(2, 1), changes);
    expect(await optionOf(predicting)).toBe(option);
    expect(await optionOf(evaluating)).toBe(option);
    expect((await errorOf(evaluating)).message).toBe((await errorOf(predicting)).message);
    expect((await errorOf(evaluating)).message).toMatch(`\`${option}\` is `);
  });

  it("predict refuses a length beyond the model's positions", async () => {
    expect(await optionOf(() => classifier.predict("x", { maxLength: 65 }))).toBe("maxLength");
  });

  it.each([
    ["devSplit", { dev: tinyRows(4, 2), devSplit: 0.5 }],
    ["earlyStopping", { earlyStopping: 1 }],
    ["bestMetric", { bestMetric: "f1" }],
    ["learningRate", { learningRate: -1 }],
    ["maxLength", { maxLength: 65 }],
  ] as const)("train refuses %s", async (option, changes) => {
    const options: ClassifierTrainOptions = { train: tinyRows(8, 1), ...changes };
    expect(await optionOf(() => classifier.train(options).next())).toBe(option);
  });

  it("refuses a device and a precision", async () => {
    expect(await optionOf(() => open({ device: "gpu" }))).toBe("device");
    await using quantized = await open({ precision: "int8" });
    expect(await optionOf(() => quantized.save(join(tiny.folder, "saved")))).toBe("precision");
    expect(await optionOf(() => quantized.train({ train: tinyRows(8, 1) }).next())).toBe("precision");
  });
});
