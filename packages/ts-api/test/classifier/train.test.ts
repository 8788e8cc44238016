import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Classifier } from "../../src/classifier/index.ts";
import { fitOptionsSchema } from "../../src/options/index.ts";
import type { TrainEvent } from "../../src/report/index.ts";
import { LABELS, tinyRows, writeTinyModel } from "../training/tiny.ts";

let folder: string;
let encoder: string;
/** A classifier that was trained, and the events of its training. */
let classifier: Classifier;
const events: TrainEvent[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-classifier-train-"));
  encoder = await writeTinyModel(join(folder, "model"));
  classifier = await Classifier.fromPretrained(encoder, { threads: 1 });
  const options = {
    train: tinyRows(400, 1),
    dev: tinyRows(80, 2),
    learningRate: 2e-3,
    batchSize: 8,
    epochs: 16,
  };
  for await (const event of classifier.train(options)) events.push(event);
});
afterAll(async () => {
  await classifier.dispose();
  await rm(folder, { recursive: true });
});

describe("train", () => {
  it("learns from rows in memory, whose labels a bare encoder takes", async () => {
    expect(classifier.labels).toEqual([...LABELS].sort());
    expect(classifier.freshParameters).toEqual(["classifier.weight", "classifier.bias"]);
    expect(events.at(-1)!.type).toBe("end");
    for (const event of events) expect(event).not.toHaveProperty("outputDir");
    const { options } = events.find((event) => event.type === "start")!;
    expect(Object.keys(options).filter((key) => !(key in fitOptionsSchema.shape))).toEqual([]);
    const metrics = await classifier.evaluate(tinyRows(80, 3));
    expect(metrics.micro_f1).toBeGreaterThan(0.8);
  });

  it("ends with the weights that were best on dev", async () => {
    const evaluations = events.filter((event) => event.type === "evaluation");
    const best = evaluations.filter((event) => event.best).at(-1)!;
    expect(await classifier.evaluate(tinyRows(80, 2), { batchSize: 32 })).toMatchObject({
      micro_f1: best.metrics.micro_f1,
      roc_auc_macro: best.metrics.roc_auc_macro,
    });
  });

  it("stops at a signal, keeps what it has, and goes on as often as asked", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const abort = new AbortController();
      const told: TrainEvent["type"][] = [];
      for await (const event of own.train({ train: tinyRows(100, 1), signal: abort.signal })) {
        told.push(event.type);
        if (event.type === "step" && event.step === 2) abort.abort();
      }
      expect(told.filter((type) => type === "step").length).toBe(2);
      expect(told.at(-1)).toBe("stop");
      for await (const event of own.train({ train: tinyRows(100, 1), maxSteps: 2 })) {
        if (event.type === "step") expect(event.step).toBeLessThanOrEqual(2);
        if (event.type === "step") break;
      }
      for await (const event of own.train({ train: tinyRows(100, 1), maxSteps: 1 })) told.push(event.type);
      expect(told.at(-1)).toBe("end");
    } finally {
      await own.dispose();
    }
  });

  it("counts its steps, and so its learning rate, from the start each time", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    const rates = async () => {
      const seen: number[] = [];
      for await (const event of own.train({ train: tinyRows(60, 1), maxSteps: 4, batchSize: 8 }))
        if (event.type === "step") seen.push(event.learningRate);
      return seen;
    };
    const first = await rates();
    expect(first).toHaveLength(4);
    expect(new Set(first).size).toBeGreaterThan(2);
    expect(await rates()).toEqual(first);
    await own.dispose();
  });

  it("ends with stop when it is aborted before its start, and stays as it was", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const told: TrainEvent[] = [];
      const options = { train: tinyRows(100, 1), maxLength: 16, signal: AbortSignal.abort() };
      for await (const event of own.train(options)) told.push(event);
      const message = "stopped before training";
      expect(told.at(-1)).toEqual({ type: "stop", reason: "aborted", step: 0, message });
      expect(own.maxLength).toBe(64);
    } finally {
      await own.dispose();
    }
  });

  it("says of a loss that is not a number what to do, and of no checkpoints, which it does not write", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const options = { learningRate: 1e38, maxGradNorm: 0, warmupRatio: 0, batchSize: 8 };
      const training = async () => {
        for await (const _ of own.train({ train: tinyRows(80, 1), ...options }));
      };
      await expect(training()).rejects.toMatchObject({
        code: "ERR_FINETAG_DIVERGED",
        message: expect.stringMatching(
          /^step \d: the loss is NaN; use a lower `learningRate` or a higher `warmupRatio`$/,
        ),
      });
    } finally {
      await own.dispose();
    }
  });

  it("needs dev data to stop early, given once", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const rows = tinyRows(20, 1);
      await expect(own.train({ train: rows, earlyStopping: 1 }).next()).rejects.toThrow(
        "`earlyStopping` needs dev data; give `dev` or `devSplit`",
      );
      await expect(own.train({ train: rows, dev: rows, devSplit: 0.5 }).next()).rejects.toThrow(
        "both `devSplit` and dev rows are given; give one of them",
      );
    } finally {
      await own.dispose();
    }
  });

  it("is done once at a time, and refuses wrong options and labels", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const drain = async (options: Parameters<typeof own.train>[0]) => {
        for await (const _ of own.train(options));
      };
      const running = drain({ train: tinyRows(100, 1), maxSteps: 3 });
      await expect(drain({ train: tinyRows(100, 1) })).rejects.toThrow("this model is already being trained");
      await running;
      const sad = [{ text: "x", labels: ["sad"] }];
      await expect(drain({ train: sad })).rejects.toThrow(
        'train[0].labels: unknown label "sad"; the labels are "joy", "anger", "fear"',
      );
      await expect(drain({ train: tinyRows(9, 1), maxLength: 65 })).rejects.toThrow(
        "`maxLength: 65` is more than the 64 positions",
      );
      await expect(drain({ train: [] })).rejects.toThrow("no rows");
    } finally {
      await own.dispose();
    }
  });

  it("keeps its loss with the model: one that is unknown stops an evaluation, not a prediction", async () => {
    const directory = join(folder, "newer");
    await classifier.save(directory);
    const file = join(directory, "finetag.json");
    const json = JSON.parse(await readFile(file, "utf8"));
    expect(json.arguments.loss).toBe("bce_with_logits");
    json.arguments.loss = "dice";
    await writeFile(file, JSON.stringify(json));
    await using newer = await Classifier.fromPretrained(directory, { threads: 1 });
    expect(await newer.predict("we saw a glad day")).toHaveLength(1);
    await expect(newer.evaluate(tinyRows(8, 3))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining('has the loss "dice"'),
    });
  });
});
