import { mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TrainEvent } from "../../src/report/index.ts";
import type { TrainOptions } from "../../src/training/options/schema.ts";
import { type RunContext, trainRun } from "../../src/training/pipeline/run.ts";
import { openSafetensors } from "../../src/weights/index.ts";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "./tiny.ts";

let folder: string;
let base: Omit<TrainOptions, "outputDir">;
let out: string;
let runs = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-run-"));
  base = {
    model: await writeTinyModel(join(folder, "model")),
    train: await writeTinyCsv(join(folder, "train.csv"), tinyRows(300, 1)),
    dev: await writeTinyCsv(join(folder, "dev.csv"), tinyRows(80, 2)),
    test: await writeTinyCsv(join(folder, "test.csv"), tinyRows(80, 3)),
    learningRate: 5e-3,
    epochs: 3,
    batchSize: 16,
    threads: 1,
    tensorboard: false,
    tokenCache: false,
  };
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  out = join(folder, `out-${runs++}`);
});

async function run(changes: Partial<TrainOptions> = {}, context: RunContext = {}): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const event of trainRun({ ...base, outputDir: out, ...changes }, context)) events.push(event);
  return events;
}

function only<T extends TrainEvent["type"]>(events: TrainEvent[], type: T) {
  return events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
}

const weights = (directory = out) => readFile(join(directory, "model.safetensors"));
const metrics = async (directory = out) =>
  JSON.parse(await readFile(join(directory, "metrics.json"), "utf8"));

describe("a run", () => {
  it("learns, tells its events in order, and leaves a model, checkpoints and metrics", async () => {
    const events = await run({ epochs: 16, batchSize: 8, learningRate: 2e-3 });
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      "loading",
      "start",
      "step",
      "evaluating",
      "evaluation",
      "checkpoint",
      "end",
    ]);
    const [start] = only(events, "start");
    expect(start).toMatchObject({
      labels: LABELS,
      trainRows: 300,
      devRows: 80,
      testRows: 80,
      totalSteps: 608,
      step: 0,
    });
    expect(start!.freshParameters).toEqual(["classifier.weight", "classifier.bias"]);
    const steps = only(events, "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 608 }, (_, i) => i + 1));
    expect(steps.at(-1)!.loss).toBeLessThan(0.3);
    expect(steps.at(-1)!.epoch).toBe(16);
    const [end] = only(events, "end");
    expect(end!.metrics.test!.micro_f1).toBeGreaterThan(0.8);
    expect(await metrics()).toEqual(JSON.parse(JSON.stringify(end!.metrics)));
    expect((await readdir(out)).sort()).toEqual([
      "checkpoints",
      "config.json",
      "finetag.json",
      "history.jsonl",
      "metrics.json",
      "model.safetensors",
      "tokenizer.json",
      "tokenizer_config.json",
      "vocab.txt",
    ]);
    expect((await readdir(join(out, "checkpoints"))).sort()).toEqual(["step-00000570", "step-00000608"]);
  });

  it("gives the same bits for the same seed, others for another", async () => {
    const short = { maxSteps: 8, dev: undefined, test: undefined };
    await run({ ...short });
    await run({ ...short, outputDir: `${out}-again` });
    await run({ ...short, outputDir: `${out}-other`, seed: 7 });
    expect((await weights()).equals(await weights(`${out}-again`))).toBe(true);
    expect((await weights()).equals(await weights(`${out}-other`))).toBe(false);
  });

  it("weighs rows alike whatever the accumulation", async () => {
    // Without dropout, 2 x 8 rows are the same step as 16; the order of float32 sums differs.
    const losses = async (changes: Partial<TrainOptions>) =>
      only(
        await run({
          dropout: 0,
          maxSteps: 19,
          outputDir: `${out}-${JSON.stringify(changes).length}`,
          ...changes,
        }),
        "step",
      ).map(({ loss }) => loss);
    const whole = await losses({ batchSize: 16 });
    const parts = await losses({ batchSize: 8, gradientAccumulation: 2 });
    for (const [i, loss] of whole.entries()) expect(parts[i]).toBeCloseTo(loss, 3);
  });

  it("keeps the last model without dev data, and holds rows out with devSplit", async () => {
    const events = await run({ dev: undefined, maxSteps: 10 });
    expect(only(events, "evaluation").map(({ split }) => split)).toEqual(["test"]);
    expect((await metrics()).train).toMatchObject({ best_step: 10, best_value: null });
    out += "-split";
    const split = await run({ dev: undefined, devSplit: 0.2, epochs: 1 });
    expect(only(split, "start")[0]).toMatchObject({ trainRows: 240, devRows: 60 });
    expect((await metrics()).dev.rows).toBe(60);
  });

  it("stops early, and what it keeps is the best model", async () => {
    const events = await run({ epochs: 30, evalEvery: 10, earlyStopping: 2, learningRate: 0.02 });
    const evaluations = only(events, "evaluation").filter(({ split }) => split === "dev");
    const values = evaluations.map(({ metrics: { micro_f1 } }) => micro_f1!);
    const best = values.indexOf(Math.max(...values));
    expect(evaluations.length).toBe(best + 3);
    expect(only(events, "stop")[0]!.reason).toBe("early_stopping");
    const { train, dev } = await metrics();
    expect(train).toMatchObject({ best_step: (best + 1) * 10, best_value: values[best] });
    expect(dev).toEqual(JSON.parse(JSON.stringify(evaluations[best]!.metrics)));
  });
});

describe("a resumed run", () => {
  it.each([
    ["a step at a time", false],
    ["the next step in the engine's queue, as on a GPU", true],
  ])("has the bits of one that never stopped, wherever it was aborted: %s", async (_, queueSteps) => {
    const straight = `${out}-straight`;
    const options = { epochs: 2, evalEvery: 7, saveEvery: 5, gradientAccumulation: 2 } as const;
    await run({ ...options, outputDir: straight });

    for (const stopAt of [1, 6, 7, 14, 19]) {
      const abort = new AbortController();
      const events: TrainEvent[] = [];
      const outputDir = `${out}-${stopAt}`;
      const context = { signal: abort.signal, queueSteps };
      for await (const event of trainRun({ ...base, ...options, outputDir }, context)) {
        events.push(event);
        if (event.type === "step" && event.step === stopAt) abort.abort();
      }
      // What waits in the queue is done, unless something comes between the two steps.
      const stopped = queueSteps && stopAt % 5 !== 0 && stopAt % 7 !== 0 ? stopAt + 1 : stopAt;
      expect(events.at(-1)).toMatchObject({ type: "stop", reason: "aborted", step: stopped });
      expect(only(events, "step").at(-1)!.step).toBe(stopped);
      expect(only(events, "checkpoint").at(-1)!.step).toBe(stopped);

      const resumed = await run({ ...options, outputDir, resume: true });
      expect(only(resumed, "start")[0]!.step).toBe(stopped);
      expect(only(resumed, "warning")).toEqual([]);
      expect((await weights(outputDir)).equals(await weights(straight))).toBe(true);
      expect(timeless(await metrics(outputDir))).toEqual(timeless(await metrics(straight)));
      for (const file of ["model", "optimizer"]) {
        const path = join("checkpoints", "step-00000020", `${file}.safetensors`);
        expect((await readFile(join(outputDir, path))).equals(await readFile(join(straight, path)))).toBe(
          true,
        );
      }
    }
  });

  it("stops within a batch while it evaluates, and evaluates again", async () => {
    const options = { maxSteps: 6, evalEvery: 3, evalBatchSize: 8 } as const;
    await run({ ...options, outputDir: `${out}-straight` });
    const abort = new AbortController();
    for await (const event of trainRun({ ...base, ...options, outputDir: out }, { signal: abort.signal })) {
      if (event.type === "evaluating") {
        expect(event.rows).toBeLessThan(40);
        if (event.rows > 20) abort.abort();
      }
    }
    await run({ ...options, resume: true });
    expect(timeless(await metrics())).toEqual(timeless(await metrics(`${out}-straight`)));
  });

  it("stops while it evaluates the test data, and does so again", async () => {
    const abort = new AbortController();
    const events: TrainEvent[] = [];
    const options = { ...base, maxSteps: 3, evalBatchSize: 8 };
    for await (const event of trainRun({ ...options, outputDir: out }, { signal: abort.signal })) {
      events.push(event);
      if (event.type === "evaluating" && event.split === "test") abort.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: "stop", step: 3 });
    await expect(metrics()).rejects.toThrow("ENOENT");
    expect(only(await run({ ...options, resume: true }), "end")[0]!.metrics.test!.rows).toBe(80);
  });

  it("never drops a checkpoint for a damaged one of a later step", async () => {
    await run({ maxSteps: 4, saveEvery: 2, keepCheckpoints: 2 });
    await truncate(join(out, "checkpoints", "step-00000004", "state.json"), 10);
    const abort = new AbortController();
    const options = { ...base, maxSteps: 4, saveEvery: 1, keepCheckpoints: 1, resume: true, outputDir: out };
    for await (const event of trainRun(options, { signal: abort.signal })) {
      if (event.type === "step") abort.abort();
    }
    expect((await readdir(join(out, "checkpoints"))).sort()).toEqual(["step-00000003", "step-00000004"]);
    expect(only(await run({ ...options }), "start")[0]!.step).toBe(3);
    expect(await readdir(join(out, "checkpoints"))).toEqual(["step-00000004"]);
  });

  it("writes TensorBoard events beside those of the first part", async () => {
    await run({ maxSteps: 2, tensorboard: true });
    await run({ maxSteps: 2, tensorboard: true, resume: true });
    expect((await readdir(join(out, "runs"))).length).toBe(2);
  });

  it("takes the newest whole checkpoint, and starts anew where there is none", async () => {
    await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3 });
    const before = await weights();
    const damaged = join(out, "checkpoints", "step-00000006", "optimizer.safetensors");
    await truncate(damaged, 100);
    const events = await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3, resume: true });
    expect(only(events, "warning")[0]!.message).toMatch(
      /step-00000006: optimizer.safetensors has 100 bytes instead of/,
    );
    expect(only(events, "start")[0]!.step).toBe(4);
    expect((await weights()).equals(before)).toBe(true);

    // What a crash leaves that comes while a checkpoint is replaced by one of the same step.
    const folder = join(out, "checkpoints");
    for (const step of ["step-00000002", "step-00000004"])
      await rm(join(folder, step), { recursive: true, force: true });
    await rename(join(folder, "step-00000006"), join(folder, ".step-00000006.finetag-older"));
    const put = await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3, resume: true });
    expect(only(put, "start")[0]!.step).toBe(6);

    await rm(join(out, "checkpoints"), { recursive: true });
    const anew = await run({ maxSteps: 6, resume: true });
    expect(only(anew, "warning")[0]!.message).toMatch(
      /there is no whole checkpoint; the run starts from the beginning/,
    );
    expect((await weights()).equals(before)).toBe(true);
  });

  it("puts back the best model that its checkpoint knows", async () => {
    // What a process leaves that is killed after a better model was saved, before the next checkpoint.
    const options = { maxSteps: 12, evalEvery: 4, saveEvery: 100 } as const;
    await run({ ...options });
    const final = await weights();
    const abort = new AbortController();
    const outputDir = `${out}-killed`;
    for await (const event of trainRun({ ...base, ...options, outputDir }, { signal: abort.signal })) {
      if (event.type === "step" && event.step === 5) abort.abort();
    }
    const recorded = await weights(outputDir);
    await writeFile(join(outputDir, "model.safetensors"), final);
    const again = new AbortController();
    for await (const event of trainRun(
      { ...base, ...options, outputDir, resume: true },
      { signal: again.signal },
    )) {
      if (event.type === "start") again.abort();
    }
    expect((await weights(outputDir)).equals(recorded)).toBe(true);
    await run({ ...options, outputDir, resume: true });
    expect((await weights(outputDir)).equals(final)).toBe(true);
  });

  it("refuses changed options and data", async () => {
    await run({ maxSteps: 2 });
    await expect(run({ maxSteps: 2, resume: true, learningRate: 1e-3 })).rejects.toMatchObject({
      code: "ERR_FINETAG_CHECKPOINT",
      message: expect.stringContaining("--learning-rate is 0.001, but "),
    });
    const train = await writeTinyCsv(join(folder, "changed.csv"), tinyRows(300, 99));
    await expect(run({ maxSteps: 2, resume: true, train })).rejects.toThrow("the train data is ");
    const warned = only(await run({ maxSteps: 2, resume: true, threads: 2 }), "warning");
    expect(warned.map(({ message }) => message)).toEqual([expect.stringContaining("threads was 1")]);
  });
});

describe("what a run refuses", () => {
  it("an output directory that holds a run, unless told what to do with it", async () => {
    await run({ maxSteps: 2 });
    const before = await weights();
    await expect(run({ maxSteps: 2 })).rejects.toThrow(
      /holds a run already; go on with `resume: true`, start anew/,
    );
    await expect(run({ resume: true, overwrite: true })).rejects.toThrow("exclude each other");
    await expect(run({ outputDir: base.model })).rejects.toThrow(
      "it is the directory of the model to start from",
    );
    await expect(run({ outputDir: base.train! })).rejects.toThrow("it is a file");
    expect((await weights()).equals(before)).toBe(true);
    await run({ maxSteps: 3, overwrite: true });
    expect(await readdir(join(out, "checkpoints"))).toEqual(["step-00000003"]);
  });

  it.each([
    [{ maxLength: 65 }, "ERR_FINETAG_ARGUMENT", "--max-length 65 is over the 64 positions of "],
    [{ bestMetric: "f1" }, "ERR_FINETAG_ARGUMENT", "did you mean micro_f1?"],
    [{ train: undefined }, "ERR_FINETAG_ARGUMENT", "there is no training data; give `train` or `dataDir`"],
    [{ devSplit: 0.1 }, "ERR_FINETAG_ARGUMENT", "exclude each other"],
    [{ dev: undefined, earlyStopping: 1 }, "ERR_FINETAG_ARGUMENT", "`earlyStopping` needs dev data"],
    [{ device: "cuda:99" }, "ERR_FINETAG_DEVICE", "device cuda:99 is not there"],
  ])("%j", async (changes, code, message) => {
    await expect(run(changes as Partial<TrainOptions>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    await expect(readdir(out)).rejects.toThrow("ENOENT");
  });

  it("a loss that is not a number, naming the step and the last good checkpoint", async () => {
    const changes = {
      learningRate: 1e30,
      warmupRatio: 0.1, // a first step at rate 0, whose checkpoint is good
      maxGradNorm: 0,
      saveEvery: 1,
      weightDecay: 0,
    } as const;
    await expect(run({ ...changes, dev: undefined })).rejects.toMatchObject({
      code: "ERR_FINETAG_DIVERGED",
      message: expect.stringMatching(
        /^step \d+: the (loss|gradient norm) is .*; the last good checkpoint is .*step-0000000\d; lower/,
      ),
    });
    for (const name of await readdir(join(out, "checkpoints"))) {
      const file = await openSafetensors(join(out, "checkpoints", name, "model.safetensors"));
      for (const entry of file.entries())
        expect((await file.read(entry.name)).every(Number.isFinite)).toBe(true);
      await file.close();
    }
    await expect(weights()).rejects.toThrow("ENOENT");
  });
});

describe("a data directory", () => {
  it("is taken as the old tool has it, with a test file that has no labels", async () => {
    const dataDir = await mkdtemp(join(folder, "data-"));
    await writeTinyCsv(join(dataDir, "train.csv"), tinyRows(60, 1), [...LABELS].reverse());
    await writeTinyCsv(join(dataDir, "dev.csv"), tinyRows(30, 2));
    await writeFile(join(dataDir, "test.csv"), "id,text\n1,so very happy\n");
    await writeFile(join(dataDir, "classes.txt"), LABELS.join("\n"));
    const events = await run({ train: undefined, dev: undefined, test: undefined, dataDir, maxSteps: 2 });
    expect(only(events, "start")[0]).toMatchObject({
      labels: LABELS,
      trainRows: 60,
      devRows: 30,
      testRows: 0,
    });
    expect(only(events, "warning")[0]!.message).toContain("test.csv:1: ");
    expect(only(events, "warning")[0]!.message).toContain("the run has no test metrics");
  });
});

describe("labels", () => {
  it("keep the order of a model that has them, whatever the data's order", async () => {
    await run({ maxSteps: 2 });
    const reversed = [...LABELS].reverse();
    const train = await writeTinyCsv(join(folder, "reversed.csv"), tinyRows(50, 5), reversed);
    const events = await run({ model: out, train, outputDir: `${out}-more`, maxSteps: 1 });
    expect(only(events, "start")[0]).toMatchObject({ labels: LABELS, freshParameters: [] });
    const other = await writeTinyCsv(join(folder, "other.csv"), tinyRows(50, 5), ["joy", "anger", "envy"]);
    const changes = {
      model: out,
      train: other,
      dev: undefined,
      test: undefined,
      outputDir: `${out}-other`,
      maxSteps: 1,
    };
    await expect(run(changes)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringMatching(/the model lacks envy, the data lacks fear; give `newHead: true`/),
    });
    const anew = await run({ ...changes, newHead: true });
    expect(only(anew, "start")[0]).toMatchObject({
      labels: ["joy", "anger", "envy"],
      freshParameters: ["classifier.weight", "classifier.bias"],
    });
  });
});

it("warns of empty and of cut texts", async () => {
  const rows = [
    { text: " ", labels: [] },
    ...tinyRows(20, 4),
    { text: "happy ".repeat(30).trim(), labels: ["joy"] },
  ];
  const train = await writeTinyCsv(join(folder, "odd.csv"), rows);
  const events = await run({ train, maxSteps: 1, maxLength: 16 });
  expect(only(events, "warning").map(({ message }) => message)).toEqual([
    `${train}: 1 of 22 texts are empty; the rows are kept`,
    `${train}: 1 of 22 texts are longer than 16 tokens and are cut`,
  ]);
});

it("ends at once when its consumer leaves, and can be resumed", async () => {
  for await (const event of trainRun({ ...base, outputDir: out, maxSteps: 8, saveEvery: 2 })) {
    if (event.type === "step" && event.step === 5) break;
  }
  const events = await run({ maxSteps: 8, saveEvery: 2, resume: true });
  expect(only(events, "start")[0]!.step).toBe(4);
});

/** Metrics without what depends on the machine's speed and memory. */
function timeless({ train, ...splits }: Record<string, Record<string, unknown>>) {
  const { samples_per_second, tokens_per_second, seconds, total_seconds, peak_rss_mb, ...rest } = train!;
  return { train: rest, ...splits };
}
