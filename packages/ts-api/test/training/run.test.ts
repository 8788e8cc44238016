import { mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TrainOptions } from "../../src/options/schema.ts";
import { trainRun } from "../../src/training/pipeline/run.ts";
import { only, setUpRuns } from "./runs.ts";
import { LABELS, tinyRows, writeTinyCsv } from "./tiny.ts";

const tiny = setUpRuns("run");
const { run, weights, metrics } = tiny;

describe("a run", () => {
  it("learns, tells its events in order, and leaves a model, checkpoints and metrics", async () => {
    const events = await run({ epochs: 16, batchSize: 8, learningRate: 2e-3, saveEvery: "epoch" });
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      "data",
      "loading",
      "start",
      "step",
      "evaluating",
      "evaluation",
      "warning",
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
    expect((await readdir(tiny.out)).sort()).toEqual([
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
    expect((await readdir(join(tiny.out, "checkpoints"))).sort()).toEqual(["step-00000570", "step-00000608"]);
  });

  it("gives the same bits for the same seed, others for another", async () => {
    const short = { maxSteps: 8, dev: undefined, test: undefined };
    await run({ ...short });
    await run({ ...short, outputDir: `${tiny.out}-again` });
    await run({ ...short, outputDir: `${tiny.out}-other`, seed: 7 });
    expect((await weights()).equals(await weights(`${tiny.out}-again`))).toBe(true);
    expect((await weights()).equals(await weights(`${tiny.out}-other`))).toBe(false);
  });

  it("weighs rows alike whatever the accumulation", async () => {
    // Without dropout, 2 x 8 rows are the same step as 16; the order of float32 sums differs.
    const losses = async (changes: Partial<TrainOptions>) =>
      only(
        await run({
          dropout: 0,
          maxSteps: 19,
          outputDir: `${tiny.out}-${JSON.stringify(changes).length}`,
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
    tiny.out += "-split";
    const split = await run({ dev: undefined, devSplit: 0.2, epochs: 1 });
    expect(only(split, "start")[0]).toMatchObject({ trainRows: 240, devRows: 60 });
    expect((await metrics()).dev!.rows).toBe(60);
  });

  it("stops early, and what it keeps is the best model", async () => {
    const options = { epochs: 30, evalEvery: 10, earlyStopping: 2, learningRate: 0.02 } as const;
    const events = await run({ ...options, bestMetric: "micro_f1" });
    const evaluations = only(events, "evaluation").filter(({ split }) => split === "dev");
    const values = evaluations.map(({ metrics: { micro_f1 } }) => micro_f1!);
    const highest = Math.max(...values);
    const losses = evaluations.map(({ metrics: { micro_f1, loss } }) =>
      micro_f1 === highest ? loss! : Number.POSITIVE_INFINITY,
    );
    const best = losses.indexOf(Math.min(...losses));
    expect(evaluations.length).toBe(best + 3);
    expect(only(events, "stop")[0]!.reason).toBe("early_stopping");
    const { train, dev } = await metrics();
    expect(train).toMatchObject({ best_step: (best + 1) * 10, best_value: values[best] });
    expect(dev).toEqual(JSON.parse(JSON.stringify(evaluations[best]!.metrics)));
  });
});

describe("a data directory", () => {
  it("is taken as the old tool has it, with a test file that has no labels", async () => {
    const dataDir = await mkdtemp(join(tiny.folder, "data-"));
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
    const train = await writeTinyCsv(join(tiny.folder, "reversed.csv"), tinyRows(50, 5), reversed);
    const events = await run({ model: tiny.out, train, outputDir: `${tiny.out}-more`, maxSteps: 1 });
    expect(only(events, "start")[0]).toMatchObject({ labels: LABELS, freshParameters: [] });
    const other = await writeTinyCsv(join(tiny.folder, "other.csv"), tinyRows(50, 5), [
      "joy",
      "anger",
      "envy",
    ]);
    const changes = {
      model: tiny.out,
      train: other,
      dev: undefined,
      test: undefined,
      outputDir: `${tiny.out}-other`,
      maxSteps: 1,
    };
    await expect(run(changes)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringMatching(/the model lacks "envy", the data lacks "fear"; use `newHead: true`/),
    });
    const anew = await run({ ...changes, newHead: true });
    expect(only(anew, "start")[0]).toMatchObject({
      labels: ["joy", "anger", "envy"],
      freshParameters: ["classifier.weight", "classifier.bias"],
    });
  });
});

it("warns of empty texts, and counts those that are cut", async () => {
  const rows = [
    { text: " ", labels: [] },
    ...tinyRows(20, 4),
    { text: "happy ".repeat(30).trim(), labels: ["joy"] },
  ];
  const train = await writeTinyCsv(join(tiny.folder, "odd.csv"), rows);
  const events = await run({ train, maxSteps: 1, maxLength: 16 });
  expect(only(events, "warning").map(({ message }) => message)).toEqual([
    `${train}: 1 of 22 texts are empty; the rows are kept`,
    expect.stringMatching(/above the threshold 0.5/),
  ]);
  expect(only(events, "loading").find(({ split, done }) => split === "train" && done)).toMatchObject({
    rows: 22,
    truncated: 1,
    maxLength: 16,
  });
});

it("ends at once when its consumer leaves, and can be resumed", async () => {
  for await (const event of trainRun({ ...tiny.base, outputDir: tiny.out, maxSteps: 8, saveEvery: 2 })) {
    if (event.type === "step" && event.step === 5) break;
  }
  const events = await run({ maxSteps: 8, saveEvery: 2, resume: true });
  expect(only(events, "start")[0]!.step).toBe(4);
});

describe("when checkpoints are written", () => {
  it("is after a time, by default only at the end of a run of seconds", async () => {
    expect(only(await run({}), "checkpoint").map(({ step }) => step)).toEqual([57]);
    const folder = join(tiny.out, "checkpoints", "step-00000057");
    const every = await run({ outputDir: `${tiny.out}-often`, saveEvery: "0.001s", maxSteps: 5 });
    expect(only(every, "checkpoint").map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    const queued = await run({ outputDir: `${tiny.out}-queued`, saveEvery: "0.001s" }, { queueSteps: true });
    expect(only(queued, "checkpoint").at(-1)!.step).toBe(57);
    // Whatever was saved in between, and however steps were queued, the result is the same.
    for (const file of ["model.safetensors", "optimizer.safetensors"]) {
      const other = join(`${tiny.out}-queued`, "checkpoints", "step-00000057", file);
      expect((await readFile(other)).equals(await readFile(join(folder, file)))).toBe(true);
    }
  });

  it.each(["0s", "10", "m", "-1m", "10 m", "1d", 0, 1.5])(
    "%j is no time and no number of steps",
    async (saveEvery) => {
      await expect(run({ saveEvery: saveEvery as never })).rejects.toMatchObject({
        code: "ERR_FINETAG_ARGUMENT",
        message: "`saveEvery`: must be epoch, a number of steps, or a time such as 10m",
      });
    },
  );

  it("takes no more space than the weights need, while the last ones are the best", async () => {
    await run({ dev: undefined, maxSteps: 3 });
    const best = await stat(join(tiny.out, "model.safetensors"));
    for (const name of ["best", "model"]) {
      const file = await stat(join(tiny.out, "checkpoints", "step-00000003", `${name}.safetensors`));
      expect(file.ino).toBe(best.ino);
    }
  });
});
