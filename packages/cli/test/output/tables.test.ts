import { computeMetrics } from "@finetag/api";
import picocolors from "picocolors";
import { expect, test } from "vitest";
import { metricsReport } from "../../src/output/tables.ts";

const plain = picocolors.createColors(false);

/** Metrics of `count` labels on 100 rows: the label i has i + 1 rows; only the rarest is never found. */
function metricsOf(count: number) {
  const rows = 100;
  const names = Array.from({ length: count }, (_, label) => `l${label}`);
  const labels = new Uint8Array(rows * count);
  const probabilities = new Float64Array(rows * count);
  for (let label = 0; label < count; label++) {
    for (let row = 0; row <= label; row++) {
      labels[row * count + label] = 1;
      probabilities[row * count + label] = label > 0 ? 0.9 : 0.1;
    }
  }
  return computeMetrics({ names, labels, probabilities, thresholds: 0.5 });
}

test("few labels are all shown, in the model's order", () => {
  const report = metricsReport({ test: metricsOf(40) }, plain);
  expect(report.match(/^l\d+/gm)).toEqual(Array.from({ length: 40 }, (_, label) => `l${label}`));
  expect(report).not.toContain("not shown");
});

test("of many labels the most frequent are shown, and the others counted", () => {
  const report = metricsReport({ test: metricsOf(50) }, plain);
  expect(report.match(/^l\d+/gm)).toEqual(Array.from({ length: 20 }, (_, i) => `l${49 - i}`));
  expect(report).toContain("30 less frequent labels are not shown, 1 of them with F1 0\n");
});

test("labels are listed for the last split only", () => {
  const report = metricsReport({ dev: metricsOf(3), test: metricsOf(3) }, plain);
  expect(report).toMatch(/^metric +dev +test$/m);
  expect(report.match(/by label/g)).toHaveLength(1);
  expect(report).toContain("test, by label");
});
