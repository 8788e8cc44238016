import { describe, expect, test } from "vitest";
import { FinetagError } from "../../src/errors/index.ts";
import {
  assignsNothing,
  checkMetricName,
  computeMetrics,
  isBetter,
  selectMetric,
} from "../../src/metrics/index.ts";

const metrics = computeMetrics({
  names: ["joy", "v1.2", "never"],
  probabilities: Float64Array.of(0.9, 0.2, 0.1, 0.4, 0.6, 0.1),
  labels: Uint8Array.of(1, 0, 0, 0, 1, 0),
  thresholds: 0.5,
  loss: 0.3,
});

function message(name: string): string {
  try {
    selectMetric(metrics, name);
  } catch (error) {
    expect(error).toBeInstanceOf(FinetagError);
    expect((error as FinetagError).code).toBe("ERR_FINETAG_ARGUMENT");
    return (error as FinetagError).message;
  }
  throw new Error(`${name} is known`);
}

describe("selectMetric", () => {
  test.each([
    ["micro_f1", 1, "higher"],
    ["roc_auc_macro", 1, "higher"],
    ["loss", 0.3, "lower"],
    ["hamming_loss", 0, "lower"],
    ["coverage_error", 1, "lower"],
    ["ranking_loss", 0, "lower"],
    ["precision_at_k.1", 1, "higher"],
    ["per_label.joy.f1", 1, "higher"],
    ["per_label.v1.2.average_precision", 1, "higher"],
    ["per_label.never.roc_auc", null, "higher"],
  ])("%s", (name, value, direction) => {
    expect(selectMetric(metrics, name)).toEqual({ name, value, direction });
  });

  test("knows every number in the metrics", () => {
    for (const [key, value] of Object.entries(metrics))
      if (key !== "rows" && (value === null || typeof value === "number"))
        expect(selectMetric(metrics, key).value).toBe(value);
  });

  test.each([
    ["micro_f2", "micro_f1"],
    ["f1", "micro_f1"],
    ["roc_auc_mikro", "roc_auc_micro"],
    ["precision_at_1", "precision_at_k.1"],
    ["precision_at_k.5", "precision_at_k.1"],
    ["per_label.joyy.f1", "per_label.joy.f1"],
    ["per_label.joy.f2", "per_label.joy.f1"],
    ["per_label.joy", "per_label.joy.roc_auc"],
  ])("%s is not known, %s is", (name, suggestion) => {
    expect(message(name)).toContain(
      `unknown metric ${JSON.stringify(name)}; did you mean ${suggestion}? known are`,
    );
  });

  test.each(["accuracy_of_the_weather", "", "rows", "warnings", "toString", "per_label", "per_label."])(
    "%j is not known, and the list says what is",
    (name) => {
      expect(message(name)).toContain(
        "known are loss, micro_f1, micro_precision, micro_recall, macro_f1, macro_precision, macro_recall, " +
          "weighted_f1, weighted_precision, weighted_recall, samples_f1, samples_precision, samples_recall, samples_jaccard, " +
          "subset_accuracy, hamming_loss, roc_auc_macro, roc_auc_micro, average_precision_macro, " +
          "average_precision_micro, lrap, coverage_error, ranking_loss, roc_auc_tf200_macro, precision_at_k.1, " +
          "precision_at_k.3 and per_label.NAME.{roc_auc|roc_auc_tf200|average_precision|precision|recall|f1}",
      );
    },
  );

  test("a name can be checked before there are metrics", () => {
    expect(checkMetricName("per_label.v1.2.f1", ["v1.2"])).toBe("higher");
    expect(() => checkMetricName("per_label.joy.f1", ["v1.2"])).toThrow("unknown metric");
    expect(() => checkMetricName("precision_at_k.3", ["a", "b"])).toThrow("unknown metric");
  });
});

describe("isBetter", () => {
  const at = (value: number | null, loss: number | null = 1) => ({ value, loss });

  test("follows the metric's direction, whatever the loss", () => {
    expect(isBetter(at(0.6, 9), at(0.5), "higher")).toBe(true);
    expect(isBetter(at(0.5, 0.1), at(0.6), "higher")).toBe(false);
    expect(isBetter(at(0.4, 9), at(0.5), "lower")).toBe(true);
    expect(isBetter(at(0.5, 0.1), at(0.4), "lower")).toBe(false);
  });

  test("any value is better than none", () => {
    expect(isBetter(at(0, 9), at(null), "higher")).toBe(true);
    expect(isBetter(at(9, 9), at(null), "lower")).toBe(true);
    expect(isBetter(at(null, 0.1), at(0), "higher")).toBe(false);
    expect(isBetter(at(null, 0.1), at(9), "lower")).toBe(false);
  });

  test.each([0, 0.5, 1, null])("between two of %j the lower loss decides", (value) => {
    for (const direction of ["higher", "lower"] as const) {
      expect(isBetter(at(value, 0.4), at(value, 0.5), direction)).toBe(true);
      expect(isBetter(at(value, 0.5), at(value, 0.4), direction)).toBe(false);
      expect(isBetter(at(value, 0.5), at(value, 0.5), direction)).toBe(false);
      expect(isBetter(at(value, 0.5), at(value, null), direction)).toBe(true);
      expect(isBetter(at(value, null), at(value, 0.5), direction)).toBe(false);
      expect(isBetter(at(value, null), at(value, null), direction)).toBe(false);
    }
  });
});

describe("assignsNothing", () => {
  const of = (probabilities: number[], labels: number[], thresholds: number | number[] = 0.5) =>
    assignsNothing(
      computeMetrics({
        names: ["joy", "fear", "rage"],
        probabilities: Float64Array.from(probabilities),
        labels: Uint8Array.from(labels),
        thresholds,
      }),
    );

  test.each([
    ["all are below", [0.4, 0.3, 0.1, 0.2, 0.5, 0.5], [1, 0, 0, 1, 1, 1], 0.5, true],
    ["each has its own threshold", [0.4, 0.8, 0.1, 0.2, 0.5, 0.5], [1, 0, 0, 1, 1, 1], [0.5, 0.9, 0.5], true],
    ["no row has a label", [0.4, 0.3, 0.1, 0.2, 0.5, 0.5], [0, 0, 0, 0, 0, 0], 0.5, true],
    ["one is above, and wrong", [0.4, 0.3, 0.1, 0.2, 0.6, 0.5], [1, 1, 1, 1, 0, 1], 0.5, false],
    ["one is above, and no row has a label", [0.4, 0.3, 0.1, 0.2, 0.6, 0.5], [0, 0, 0, 0, 0, 0], 0.5, false],
    ["one is above, and right", [0.4, 0.3, 0.1, 0.2, 0.6, 0.5], [0, 0, 0, 0, 1, 0], 0.5, false],
    ["there are no rows", [], [], 0.5, false],
  ])("%s", (_, probabilities, labels, thresholds, expected) => {
    expect(of(probabilities, labels, thresholds)).toBe(expected);
  });
});
