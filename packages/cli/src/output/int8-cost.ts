import type { SplitMetrics } from "@finetag/api";
import type { Colors } from "../context.ts";
import { formatMetric } from "./format.ts";
import { table } from "./tables.ts";

/** What ranks texts, without a threshold, before what also depends on one. */
const COMPARED = [
  "roc_auc_macro",
  "roc_auc_micro",
  "macro_f1",
  "micro_f1",
] as const satisfies readonly (keyof SplitMetrics)[];

/** A metric in both precisions; `null` where it has no value in one of them. */
export interface MetricCost {
  float32: number | null;
  int8: number | null;
  /** int8 minus float32: below 0 where int8 is worse. */
  difference: number | null;
}

export type Int8Cost = Record<(typeof COMPARED)[number], MetricCost>;

/** What a model loses (or wins by chance) in int8 on the same rows. */
export function int8Cost(float32: SplitMetrics, int8: SplitMetrics): Int8Cost {
  const compared = COMPARED.map((key): [string, MetricCost] => {
    const [before, after] = [float32[key], int8[key]];
    const difference = before === null || after === null ? null : after - before;
    return [key, { float32: before, int8: after, difference }];
  });
  return Object.fromEntries(compared) as Int8Cost;
}

/** Both precisions side by side, under a heading of their own. */
export function costReport(cost: Int8Cost, colors: Colors): string {
  const rows = Object.entries(cost).map(([name, { float32, int8, difference }]) => [
    name,
    formatMetric(float32),
    formatMetric(int8),
    formatDifference(difference),
  ]);
  const head = ["metric", "float32", "int8", "difference"];
  return `${colors.bold("what int8 costs")}\n${table(head, rows, colors)}\n`;
}

/** A digit more than the metrics have, since a difference is often smaller than theirs. */
function formatDifference(value: number | null): string {
  if (value === null) return formatMetric(value);
  const text = value.toFixed(5);
  return value > 0 ? `+${text}` : text;
}
