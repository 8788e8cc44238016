import type { SplitMetrics } from "@finetag/api";
import type { Colors } from "../context.ts";
import { formatMetric } from "./format.ts";
import { table } from "./tables.ts";

/** Metrics of the ranking first, then those that also depend on a threshold. */
const COMPARED = [
  "roc_auc_macro",
  "roc_auc_micro",
  "macro_f1",
  "micro_f1",
] as const satisfies readonly (keyof SplitMetrics)[];

/** A metric in both precisions; `null` if it has no value. */
export interface MetricCost {
  float32: number | null;
  int8: number | null;
  /** int8 minus float32; negative if int8 is worse. */
  difference: number | null;
}

export type Int8Cost = Record<(typeof COMPARED)[number], MetricCost>;

/** How the metrics of a model change in int8, on the same rows. */
export function int8Cost(float32: SplitMetrics, int8: SplitMetrics): Int8Cost {
  const compared = COMPARED.map((key): [string, MetricCost] => {
    const [before, after] = [float32[key], int8[key]];
    const difference = before === null || after === null ? null : after - before;
    return [key, { float32: before, int8: after, difference }];
  });
  return Object.fromEntries(compared) as Int8Cost;
}

/** A table of both precisions side by side, with its own heading. */
export function costReport(cost: Int8Cost, colors: Colors): string {
  const rows = Object.entries(cost).map(([name, { float32, int8, difference }]) => [
    name,
    formatMetric(float32),
    formatMetric(int8),
    formatDifference(difference),
  ]);
  const head = ["metric", "float32", "int8", "difference"];
  return `${colors.bold("int8 compared with float32")}\n${table(head, rows, colors)}\n`;
}

/** One more digit than the metrics have, since differences are often small. */
function formatDifference(value: number | null): string {
  if (value === null) return formatMetric(value);
  const text = value.toFixed(5);
  return value > 0 ? `+${text}` : text;
}
