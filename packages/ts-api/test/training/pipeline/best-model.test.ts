import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TrainEvent } from "../../../src/report/index.ts";
import { writeManifest } from "../../../src/training/storage/manifest.ts";
import { only, setUpRuns } from "../runs.ts";

const tiny = setUpRuns("best-model");
const { run, abort, metrics } = tiny;

/** No label passes this threshold, so every F1 is 0, while the model learns. */
const SILENT = { threshold: 0.999, learningRate: 1e-3, evalEvery: 10, maxSteps: 60 } as const;

const devOf = (events: TrainEvent[]) => only(events, "evaluation").filter(({ split }) => split === "dev");
const aboutThreshold = (events: TrainEvent[]) =>
  only(events, "warning").filter(({ message }) => message.includes("above the threshold 0.999"));

describe("where the best metric is the same at every evaluation", () => {
  it.each(["micro_f1", "subset_accuracy", "per_label.joy.f1"])(
    "%s: the lower loss decides",
    async (bestMetric) => {
      const evaluations = devOf(await run({ ...SILENT, bestMetric }));
      const losses = evaluations.map((event) => event.metrics.loss!);
      expect(evaluations.map((event) => event.metrics.micro_f1)).toEqual(Array(6).fill(0));
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
      const improves = losses.map(
        (loss, i) => loss < Math.min(Number.POSITIVE_INFINITY, ...losses.slice(0, i)),
      );
      expect(evaluations.map(({ best }) => best)).toEqual(improves);
      const lowest = evaluations[losses.indexOf(Math.min(...losses))]!;
      const { train, dev } = await metrics();
      expect(train).toMatchObject({ best_step: lowest.step, best_metric: bestMetric });
      expect(dev!.loss).toBe(lowest.metrics.loss);
    },
  );

  it("where it has no value at all, the lower loss decides as well", async () => {
    const labelled = (await readFile(tiny.base.dev!, "utf8")).split("\n");
    const dev = join(tiny.folder, "unlabelled.csv");
    // The text stays, and no row has a label.
    await writeFile(
      dev,
      labelled.map((line, i) => (i === 0 ? line : line.replace(/(,[01])+$/, ",0,0,0"))).join("\n"),
    );
    const evaluations = devOf(await run({ ...SILENT, dev, bestMetric: "average_precision_macro" }));
    expect(evaluations.map((event) => event.metrics.average_precision_macro)).toEqual(Array(6).fill(null));
    const losses = evaluations.map((event) => event.metrics.loss!);
    const { train } = await metrics();
    expect(train!.best_step).toBe(evaluations[losses.indexOf(Math.min(...losses))]!.step);
    expect(train!.best_step).toBeGreaterThan(10);
    expect(train!.best_value).toBeNull();
  });

  it("early stopping goes on as long as the loss falls", async () => {
    const events = await run({ ...SILENT, bestMetric: "micro_f1", earlyStopping: 1 });
    const losses = devOf(events).map((event) => event.metrics.loss!);
    expect(losses.length).toBeGreaterThan(2);
    for (const [i, loss] of losses.slice(0, -1).entries())
      if (i > 0) expect(loss).toBeLessThan(losses[i - 1]!);
  });

  it("says once that no label passed the threshold, also when the run is resumed", async () => {
    const straight = await run({ ...SILENT, outputDir: `${tiny.out}-straight` });
    expect(aboutThreshold(straight).map(({ message }) => message)).toEqual([
      "after step 10, no label of any dev row is above the threshold 0.999, so F1, precision and recall are 0; that is " +
        "common early on and with rare labels: judge the model by average precision and ROC AUC, or use a lower `threshold`",
    ]);
    const first = await abort(SILENT, (event) => event.type === "step" && event.step === 25);
    expect(aboutThreshold(first)).toHaveLength(1);
    const second = await run({ ...SILENT, resume: true });
    expect(devOf(second)).toHaveLength(4);
    expect(aboutThreshold(second)).toEqual([]);
  });

  it("says nothing where some label passed", async () => {
    expect(aboutThreshold(await run({ ...SILENT, threshold: 0.01 }))).toEqual([]);
  });
});

describe("the metric of a resumed run that does not name one", () => {
  it("is that of its checkpoint, which an older version may have written", async () => {
    const stop = (event: TrainEvent) => event.type === "step" && event.step === 25;
    await abort({ ...SILENT, bestMetric: "micro_f1" }, stop);
    await makeOlder(join(tiny.out, "checkpoints", "step-00000025"));
    const events = await run({ ...SILENT, resume: true });
    expect(only(events, "start")[0]).toMatchObject({ step: 25, options: { bestMetric: "micro_f1" } });
    const { train } = await metrics();
    expect(train!.best_metric).toBe("micro_f1");
    const finetag = JSON.parse(await readFile(join(tiny.out, "finetag.json"), "utf8"));
    expect(finetag.arguments.bestMetric).toBe("micro_f1");
  });

  it("a metric that is named must be the same", async () => {
    await abort({ ...SILENT, bestMetric: "micro_f1" }, (event) => event.type === "step" && event.step === 25);
    await expect(run({ ...SILENT, bestMetric: "macro_f1", resume: true })).rejects.toMatchObject({
      code: "ERR_FINETAG_CHECKPOINT",
      option: "bestMetric",
    });
    await run({ ...SILENT, bestMetric: "micro_f1", resume: true });
  });

  it("is the default in a new run", async () => {
    const [start] = only(await run({ maxSteps: 2, resume: true }), "start");
    expect(start!.options.bestMetric).toBe("average_precision_macro");
  });
});

/** Takes out of a checkpoint's state what older versions did not write. */
async function makeOlder(checkpoint: string): Promise<void> {
  const path = join(checkpoint, "state.json");
  const { saidNothingAssigned, ...state } = JSON.parse(await readFile(path, "utf8"));
  expect(saidNothingAssigned).toBe(true);
  delete state.best.dev.samples_jaccard;
  await writeFile(path, `${JSON.stringify(state, null, 2)}\n`);
  await rm(join(checkpoint, "manifest.json"));
  await writeManifest(checkpoint);
}
