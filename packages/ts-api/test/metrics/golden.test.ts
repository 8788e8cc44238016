import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { computeMetrics, sigmoid } from "../../src/metrics/index.ts";

const GOLDEN = new URL("../../../../test/parity/metrics/golden/", import.meta.url);

/**
 * Every value here is a ratio of counts or a mean of some, none above the number of labels. The two sides add in
 * another order, which moves the fifteenth digit; a wrong tie, threshold or row moves the third. 1e-9 is what
 * finetag promises, and lies far from both.
 */
const TOLERANCE = 1e-9;

/** TensorFlow keeps counts and rates in float32 and adds 199 of their products: a few of its 6e-8 steps. */
const FLOAT32_TOLERANCE = 1e-6;

type Expected = number | null | { [key: string]: Expected };

interface GoldenCase {
  name: string;
  thresholds: number | number[];
  labels: string[];
  probabilities: number[][];
  expected: { per_label: Record<string, number | null>[] } & Record<string, Expected>;
}

const golden = JSON.parse(readFileSync(new URL("sklearn.json", GOLDEN), "utf8")) as {
  cases: GoldenCase[];
  logits: { logits: number[]; probabilities: number[] };
};
const tf = JSON.parse(readFileSync(new URL("tf_auc.json", GOLDEN), "utf8")) as {
  roc_auc_tf200: Record<string, number[]>;
};

function compute(golden: GoldenCase) {
  const names = golden.probabilities[0]!.map((_, j) => `label ${j}`);
  return computeMetrics({
    probabilities: Float64Array.from(golden.probabilities.flat()),
    labels: Uint8Array.from(golden.labels.join(""), Number),
    names,
    thresholds: golden.thresholds,
  });
}

function expectClose(actual: unknown, expected: Expected, where: string): void {
  if (expected === null || typeof expected === "number") {
    if (typeof actual === "number" && expected !== null)
      expect(Math.abs(actual - expected), `${where}: ${actual} for ${expected}`).toBeLessThanOrEqual(
        TOLERANCE,
      );
    else expect(actual, where).toBe(expected);
    return;
  }
  for (const [key, value] of Object.entries(expected))
    expectClose((actual as Record<string, unknown>)[key], value, `${where}.${key}`);
}

describe.each(golden.cases)("$name", (golden) => {
  const metrics = compute(golden);

  test("equals scikit-learn", () => {
    const { per_label, ...rest } = golden.expected;
    expectClose(metrics, rest, "metrics");
    expect(Object.keys(metrics.precision_at_k)).toEqual(Object.keys(rest.precision_at_k as object));
    for (const [j, expected] of per_label.entries())
      expectClose(metrics.per_label[`label ${j}`], expected, `label ${j}`);
  });

  test("has TensorFlow's tf.metrics.auc", () => {
    for (const [j, theirs] of tf.roc_auc_tf200[golden.name]!.entries()) {
      const { roc_auc_tf200, support } = metrics.per_label[`label ${j}`]!;
      if (roc_auc_tf200 === null) expect([0, metrics.rows]).toContain(support);
      else expect(Math.abs(roc_auc_tf200 - theirs)).toBeLessThanOrEqual(FLOAT32_TOLERANCE);
    }
  });

  test("says in a warning what is null, and only that", () => {
    const warned = metrics.warnings.join("\n");
    for (const [name, { roc_auc }] of Object.entries(metrics.per_label))
      expect(warned.includes(JSON.stringify(name)), name).toBe(roc_auc === null);
  });
});

test("sigmoid equals scipy's in float64", () => {
  const { logits, probabilities } = golden.logits;
  const ours = sigmoid(Float32Array.from(logits));
  // Two roundings of exp and one of the quotient; below 1e-300 both may be zero.
  for (const [i, expected] of probabilities.entries())
    expect(Math.abs(ours[i]! - expected), `${logits[i]}`).toBeLessThanOrEqual(
      4 * 2 ** -52 * expected + 1e-300,
    );
});
