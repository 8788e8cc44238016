import { describe, expect, test } from "vitest";
import { FinetagError } from "../../src/errors/index.ts";
import { computeMetrics, computeMetricsAsync, type MetricsInput } from "../../src/metrics/index.ts";

function input(changes: Partial<MetricsInput> = {}): MetricsInput {
  return {
    probabilities: Float64Array.of(0.9, 0.2, 0.4, 0.5),
    labels: Uint8Array.of(1, 0, 0, 1),
    names: ["joy", "anger"],
    thresholds: 0.5,
    ...changes,
  };
}

function failure(run: () => unknown): FinetagError {
  try {
    run();
  } catch (error) {
    if (error instanceof FinetagError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("results", () => {
  test("a probability at the threshold is not predicted", () => {
    expect(computeMetrics(input()).per_label.anger).toMatchObject({ recall: 0, f1: 0, threshold: 0.5 });
    expect(computeMetrics(input({ thresholds: [0.5, 0.4999] })).per_label.anger).toMatchObject({
      recall: 1,
      threshold: 0.4999,
    });
  });

  test("the loss is passed through", () => {
    expect(computeMetrics(input({ loss: 0.25 })).loss).toBe(0.25);
    expect(computeMetrics(input()).loss).toBeNull();
  });

  test("no rows: everything is null, with one warning", () => {
    const metrics = computeMetrics(input({ probabilities: new Float64Array(), labels: new Uint8Array() }));
    expect(metrics.warnings).toEqual(["there are no rows, so every metric is null"]);
    const { rows, per_label, precision_at_k, warnings, ...scalars } = metrics;
    expect(rows).toBe(0);
    expect(new Set(Object.values(scalars))).toEqual(new Set([null]));
    expect(precision_at_k).toEqual({ "1": null });
    expect(per_label.joy).toEqual({
      roc_auc: null,
      roc_auc_tf200: null,
      average_precision: null,
      precision: null,
      recall: null,
      f1: null,
      support: 0,
      threshold: 0.5,
    });
  });

  test("labels on no row and on every row are named, and left out of the means", () => {
    const metrics = computeMetrics(
      input({
        names: ["joy", "anger", "grief", "fear"],
        probabilities: Float64Array.of(0.9, 0.1, 0.5, 0.5, 0.2, 0.3, 0.5, 0.5),
        labels: Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 1),
      }),
    );
    expect(metrics.warnings).toEqual([
      'labels "anger", "grief" are on no row, so roc_auc and average_precision are null and left out of the means',
      'label "fear" is on every row, so roc_auc is null and left out of the means',
    ]);
    expect(metrics.roc_auc_macro).toBe(1);
    expect(metrics.average_precision_macro).toBe(1);
    expect(metrics.per_label.fear).toMatchObject({
      roc_auc: null,
      roc_auc_tf200: null,
      average_precision: 1,
    });
  });

  test("a warning about very many labels stays a line", () => {
    const names = Array.from({ length: 1000 }, (_, j) => `l${j}`);
    const { warnings } = computeMetrics({
      names,
      probabilities: new Float64Array(1000),
      labels: new Uint8Array(1000),
      thresholds: 0.5,
    });
    expect(warnings[0]).toMatch(/"l49" and 950 more are on no row/);
  });

  test("any label name is a key, and metrics survive JSON", () => {
    const metrics = computeMetrics(input({ names: ["__proto__", "constructor"] }));
    expect(Object.keys(metrics.per_label)).toEqual(["__proto__", "constructor"]);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });
});

describe("bad input", () => {
  test.each<[string, Partial<MetricsInput>, string]>([
    ["no labels", { names: [] }, "there are no labels to compute metrics for; give at least one name"],
    ["a name twice", { names: ["joy", "joy"] }, 'label "joy" appears twice; label names must be unique'],
    [
      "a ragged matrix",
      { probabilities: new Float64Array(3) },
      "3 probabilities are not a whole number of rows of 2 labels; give [rows, labels]",
    ],
    ["too few labels", { labels: new Uint8Array(2) }, "4 probabilities but 2 labels; give as many of each"],
    [
      "too few thresholds",
      { thresholds: [0.5] },
      "1 thresholds for 2 labels; give one number, or one per label",
    ],
    ["a threshold above 1", { thresholds: [0.5, 2] }, 'threshold 2 of label "anger" is not between 0 and 1'],
    ["a NaN threshold", { thresholds: Number.NaN }, 'threshold NaN of label "joy" is not between 0 and 1'],
    [
      "logits",
      { probabilities: Float64Array.of(0, 0, 0, 3) },
      'row 2, label "anger": probability 3 is not between 0 and 1; give sigmoid(logits), not logits',
    ],
    [
      "a label of 3",
      { labels: Uint8Array.of(0, 0, 3, 0) },
      'row 2, label "joy": label value 3 is neither 0, 1 nor 2 (unknown)',
    ],
  ])("%s", (_, changes, message) => {
    const error = failure(() => computeMetrics(input(changes)));
    expect(error.message).toBe(message);
    expect(error.code).toBe("ERR_FINETAG_ARGUMENT");
  });

  test("NaN is the model's fault, not the input's", () => {
    const error = failure(() =>
      computeMetrics(input({ probabilities: Float64Array.of(0, 0.5, Number.NaN, 0) })),
    );
    expect(error.message).toBe(
      'row 2, label "joy": the probability is NaN, so the model\'s weights are broken; go back to an older checkpoint',
    );
    expect(error.code).toBe("ERR_FINETAG_DIVERGED");
    expect(failure(() => computeMetrics(input({ loss: Number.NaN }))).code).toBe("ERR_FINETAG_DIVERGED");
  });
});

describe("computeMetricsAsync", () => {
  const rows = 20_000;
  const names = Array.from({ length: 28 }, (_, j) => `l${j}`);
  const large: MetricsInput = {
    names,
    probabilities: Float64Array.from({ length: rows * 28 }, (_, i) => ((i * 7919) % 10007) / 10007),
    labels: Uint8Array.from({ length: rows * 28 }, (_, i) => ((i * 31) % 17 === 0 ? 1 : 0)),
    thresholds: 0.5,
  };

  test("gives what computeMetrics gives, and lets the event loop turn", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const metrics = await computeMetricsAsync(large);
    clearInterval(timer);
    expect(metrics).toEqual(computeMetrics(large));
    expect(turns).toBeGreaterThan(2);
  });

  test("stops when its signal aborts", async () => {
    const controller = new AbortController();
    const running = computeMetricsAsync(large, { signal: controller.signal });
    setTimeout(() => controller.abort(), 1);
    await expect(running).rejects.toMatchObject({ code: "ERR_FINETAG_ABORTED" });
  });
});
