import { expect, test } from "vitest";
import { computeMetrics } from "../../src/metrics/index.ts";
import { randomNumbers } from "../random.ts";

const names = ["a", "b", "c"];
const base = { names, thresholds: 0.5 };

/** Rows of labels and probabilities. */
function compute(rows: { labels: number[]; probabilities: number[] }[]) {
  return computeMetrics({
    ...base,
    labels: Uint8Array.from(rows.flatMap(({ labels }) => labels)),
    probabilities: Float64Array.from(rows.flatMap(({ probabilities }) => probabilities)),
  });
}

test("the metrics of a label are those of the rows that know it", () => {
  const random = randomNumbers(5);
  const rows = Array.from({ length: 200 }, () => ({
    labels: names.map(() => (random() < 0.3 ? 2 : Number(random() < 0.4))),
    probabilities: names.map(() => Math.round(random() * 20) / 20),
  }));
  const masked = compute(rows);
  for (const [j, name] of names.entries()) {
    const known = rows.filter(({ labels }) => labels[j] !== 2);
    const alone = computeMetrics({
      names: [name],
      thresholds: 0.5,
      labels: Uint8Array.from(known, ({ labels }) => labels[j]!),
      probabilities: Float64Array.from(known, ({ probabilities }) => probabilities[j]!),
    });
    expect(masked.per_label[name]).toEqual(alone.per_label[name]);
  }
  // Pooled over the known entries.
  const entries = rows.flatMap(({ labels, probabilities }) =>
    labels.flatMap((label, j) => (label === 2 ? [] : [{ label, predicted: probabilities[j]! > 0.5 }])),
  );
  const wrong = entries.filter(({ label, predicted }) => label !== Number(predicted)).length;
  expect(masked.hamming_loss).toBeCloseTo(wrong / entries.length, 12);
  const hits = entries.filter(({ label, predicted }) => label === 1 && predicted).length;
  const positives = entries.filter(({ label }) => label === 1).length;
  expect(masked.micro_recall).toBeCloseTo(hits / positives, 12);
});

test("the metrics of a row are those of its known labels; a row that knows none does not count", () => {
  const known = [
    { labels: [1, 0, 0], probabilities: [0.9, 0.2, 0.1] },
    { labels: [0, 1, 1], probabilities: [0.6, 0.7, 0.4] },
  ];
  const none = { labels: [2, 2, 2], probabilities: [0.9, 0.9, 0.9] };
  const both = compute([...known, none]);
  const { rows: _rows, warnings: _warnings, ...expected } = compute(known);
  expect(both).toMatchObject(expected);
  // Without its one wrong label a row is right.
  const partly = compute([known[0]!, { labels: [2, 1, 2], probabilities: [0.6, 0.7, 0.4] }]);
  expect(partly.subset_accuracy).toBe(1);
  expect(partly.lrap).toBe(1);
});

test("a label that no row knows has no metrics, and a warning says so", () => {
  const metrics = compute([
    { labels: [1, 2, 0], probabilities: [0.9, 0.2, 0.1] },
    { labels: [0, 2, 1], probabilities: [0.1, 0.7, 0.8] },
  ]);
  expect(metrics.per_label.b).toMatchObject({ f1: null, precision: null, roc_auc: null, support: 0 });
  expect(metrics.macro_f1).toBe(1);
  expect(metrics.warnings).toEqual([
    'label "b" is unknown on every row, so all metrics of it are null and left out of the means',
  ]);
});
