import { describe, expect, test } from "vitest";
import { computeMetrics, type SplitMetrics } from "../../src/metrics/index.ts";
import { randomNumbers } from "../random.ts";

// Laws that hold whatever the data, on random data with ties; each on a few seeds.
const SEEDS = [1, 2, 3, 4, 5];
const ROUNDING = 12;

interface Data {
  probabilities: Float64Array;
  labels: Uint8Array;
  names: string[];
}

/** Scores are multiples of 1/16: many ties, and exact under the transforms below. */
function randomData(seed: number, rows = 60, labelCount = 7): Data {
  const random = randomNumbers(seed);
  const labels = Uint8Array.from({ length: rows * labelCount }, () => (random() < 0.35 ? 1 : 0));
  return {
    labels,
    probabilities: Float64Array.from(labels, (y) => Math.floor(random() * 13 + 3 * y) / 16),
    names: Array.from({ length: labelCount }, (_, j) => `l${j}`),
  };
}

function compute(data: Data, thresholds = 0.5): SplitMetrics {
  return computeMetrics({ ...data, thresholds });
}

const RANKING = [
  "roc_auc_macro",
  "roc_auc_micro",
  "average_precision_macro",
  "average_precision_micro",
  "lrap",
  "coverage_error",
  "ranking_loss",
] as const;

describe.each(SEEDS)("seed %i", (seed) => {
  const data = randomData(seed);
  const metrics = compute(data);

  test("ranking metrics see only the order of scores", () => {
    const cubed = compute({ ...data, probabilities: data.probabilities.map((p) => p ** 3 / 2) });
    for (const key of RANKING) expect(cubed[key], key).toBe(metrics[key]);
    expect(cubed.precision_at_k).toEqual(metrics.precision_at_k);
  });

  test("turning the scores around turns ROC AUC around, and so do the labels", () => {
    const scores = compute({ ...data, probabilities: data.probabilities.map((p) => 1 - p) });
    expect(scores.roc_auc_micro).toBeCloseTo(1 - metrics.roc_auc_micro!, ROUNDING);
    expect(scores.roc_auc_macro).toBeCloseTo(1 - metrics.roc_auc_macro!, ROUNDING);
    const labels = compute({ ...data, labels: data.labels.map((y) => 1 - y) });
    expect(labels.roc_auc_micro).toBeCloseTo(1 - metrics.roc_auc_micro!, ROUNDING);
  });

  test("the order of rows and of labels means nothing", () => {
    const L = data.names.length;
    const rows = data.labels.length / L;
    const permuted: Data = {
      probabilities: new Float64Array(rows * L),
      labels: new Uint8Array(rows * L),
      names: data.names.map((_, j) => data.names[(j * 3 + 1) % L]!),
    };
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < L; j++) {
        const from = ((i * 7 + 3) % rows) * L + ((j * 3 + 1) % L);
        permuted.probabilities[i * L + j] = data.probabilities[from]!;
        permuted.labels[i * L + j] = data.labels[from]!;
      }
    const { per_label, precision_at_k, warnings, ...scalars } = compute(permuted);
    for (const [key, value] of Object.entries(scalars)) {
      const expected = metrics[key as keyof typeof scalars];
      if (value === null) expect(expected, key).toBeNull();
      else expect(value, key).toBeCloseTo(expected!, ROUNDING);
    }
    expect(per_label).toEqual(metrics.per_label);
    for (const [k, value] of Object.entries(precision_at_k))
      expect(value).toBeCloseTo(metrics.precision_at_k[k]!, ROUNDING);
  });

  test("every row twice changes no mean", () => {
    const twice = compute({
      ...data,
      probabilities: Float64Array.from([...data.probabilities, ...data.probabilities]),
      labels: Uint8Array.from([...data.labels, ...data.labels]),
    });
    for (const key of [...RANKING, "micro_f1", "macro_f1", "samples_f1", "hamming_loss"] as const)
      expect(twice[key], key).toBeCloseTo(metrics[key]!, ROUNDING);
  });

  test("every label forty times changes no label and no mean", () => {
    const wide: Data = {
      probabilities: new Float64Array(40 * data.labels.length),
      labels: new Uint8Array(40 * data.labels.length),
      names: Array.from({ length: 40 }, (_, copy) => data.names.map((name) => `${name} ${copy}`)).flat(),
    };
    for (let i = 0; i < wide.labels.length; i++) {
      const row = Math.floor(i / wide.names.length);
      const from = row * data.names.length + (i % data.names.length);
      wide.probabilities[i] = data.probabilities[from]!;
      wide.labels[i] = data.labels[from]!;
    }
    const result = compute(wide);
    for (const [j, name] of wide.names.entries())
      expect(result.per_label[name]).toEqual(metrics.per_label[data.names[j % data.names.length]!]);
    for (const key of ["roc_auc_micro", "average_precision_micro", "micro_f1", "samples_f1", "lrap"] as const)
      expect(result[key], key).toBeCloseTo(metrics[key]!, ROUNDING);
  });

  test("a perfect ranking is perfect", () => {
    const perfect = compute({ ...data, probabilities: Float64Array.from(data.labels, (y) => 0.25 + y / 2) });
    expect(perfect).toMatchObject({
      micro_f1: 1,
      macro_f1: 1,
      subset_accuracy: 1,
      hamming_loss: 0,
      roc_auc_macro: 1,
      roc_auc_micro: 1,
      average_precision_macro: 1,
      lrap: 1,
      ranking_loss: 0,
    });
    expect(perfect.roc_auc_tf200_macro).toBeGreaterThan(1 - 1e-6);
    expect(perfect.coverage_error).toBeCloseTo(data.labels.reduce((a, b) => a + b) / perfect.rows, ROUNDING);
  });

  test("constant scores know nothing", () => {
    const constant = compute({ ...data, probabilities: data.probabilities.map(() => 0.25) });
    expect(constant.roc_auc_micro).toBe(0.5);
    expect(constant.roc_auc_macro).toBe(0.5);
    const rate = data.labels.reduce((a, b) => a + b) / data.labels.length;
    expect(constant.average_precision_micro).toBeCloseTo(rate, ROUNDING);
    for (const value of Object.values(constant.precision_at_k)) expect(value).toBeCloseTo(rate, ROUNDING);
  });

  test("with no ties between classes the ranking loss of pooled rows is what ROC AUC leaves", () => {
    const random = randomNumbers(seed + 100);
    const one = { ...data, probabilities: data.probabilities.map(() => random()) };
    const L = one.names.length;
    // One row: its labels' ranking is the pooled ranking.
    const row = compute({
      ...one,
      probabilities: one.probabilities.slice(0, L),
      labels: one.labels.slice(0, L),
    });
    if (row.roc_auc_micro !== null) expect(row.ranking_loss).toBeCloseTo(1 - row.roc_auc_micro, ROUNDING);
  });
});
