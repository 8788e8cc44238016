import type { SplitMetrics } from "@finetag/api";
import picocolors from "picocolors";
import { expect, test } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatMetric,
  formatNumber,
  formatSeconds,
  listSome,
  plural,
} from "../../src/output/format.ts";
import { table } from "../../src/output/index.ts";
import { evaluationText, noticeText } from "../../src/output/train-text.ts";

const colors = picocolors.createColors(false);

test.each([
  [0, "0:00"],
  [59.6, "1:00"],
  [3723, "1:02:03"],
  [Number.POSITIVE_INFINITY, "?"],
])("%d s is %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test("names of megabytes are cut", () => {
  const long = "x".repeat(1_000_000);
  expect(listSome(["a", long, "b"])).toMatch(/^a, x{200}…, b$/);
  expect(table(["label", "f1"], [[long, "1"]], colors)).toMatch(/^label +f1\nx{200}… +1$/);
  expect(noticeText(`${long} is in the way; move it`)).toMatch(/^finetag: x+ … x+ is in the way; move it$/);
  expect(noticeText(long).length).toBeLessThan(2010);
});

test("only a dev evaluation is a candidate for the best model", () => {
  const event = { type: "evaluation", step: 3, epoch: 1, metrics: {} as SplitMetrics, best: true } as const;
  expect(evaluationText({ ...event, split: "dev" })).toMatch(/best so far$/);
  expect(evaluationText({ ...event, split: "test" })).not.toContain("best");
});

test("one is singular", () => {
  expect([1, 0, 1200].map((count) => plural(count, "step"))).toEqual(["1 step", "0 steps", "1,200 steps"]);
});

test("seconds have a digit more while there are few of them", () => {
  expect([0.04, 10.94, 59.94, 59.96, 3723].map(formatSeconds)).toEqual([
    "0.0 s",
    "10.9 s",
    "59.9 s",
    "1:00",
    "1:02:03",
  ]);
});

test.each([
  [0, "0"],
  [0.6925, "0.6925"],
  [5e-5, "5e-5"],
  [4.567e-5, "4.57e-5"],
  [71.26, "71.3"],
  [12345.6, "12345.6"],
  [1e-10, "1e-10"],
  [Number.NaN, "NaN"],
])("%d is shown as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("a metric without a value is a dash", () => {
  expect(formatMetric(null)).toBe("–");
  expect(formatMetric(0.51239)).toBe("0.5124");
});

test("bytes", () => {
  expect([0, 1023, 1024, 90_868_376].map(formatBytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "86.7 MiB"]);
});
