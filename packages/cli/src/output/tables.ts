import { createRequire } from "node:module";
import { type SplitMetrics, visible } from "@finetag/api";
import type CliTable from "cli-table3";
import type { Colors } from "../context.ts";
import { formatCount, formatMetric } from "./format.ts";

/** No lines between rows and columns, which reads well in a terminal, a log and an editor. */
const NO_LINES = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** @param head column names; the first column is text, the others are numbers if `figures` is set. */
export function table(head: string[], rows: string[][], colors: Colors, figures = true): string {
  // Loaded here, since a run needs it only at its end.
  const Table = createRequire(import.meta.url)("cli-table3") as typeof CliTable;
  const out = new Table({
    head: head.map((name) => colors.bold(name)),
    chars: NO_LINES,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    colAligns: head.map((_, column) => (column === 0 || !figures ? "left" : "right")),
  });
  out.push(...rows.map((row) => row.map(visible)));
  return out
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const SUMMARY = [
  "loss",
  "micro_f1",
  "macro_f1",
  "samples_f1",
  "samples_jaccard",
  "weighted_f1",
  "micro_precision",
  "micro_recall",
  "macro_precision",
  "macro_recall",
  "subset_accuracy",
  "hamming_loss",
  "roc_auc_macro",
  "roc_auc_micro",
  "average_precision_macro",
  "average_precision_micro",
  "lrap",
  "coverage_error",
  "ranking_loss",
] as const satisfies readonly (keyof SplitMetrics)[];

/** All metrics of the splits side by side. */
export function summaryTable(splits: Record<string, SplitMetrics>, colors: Colors): string {
  const all = Object.values(splits);
  const rows = [["rows", ...all.map((split) => formatCount(split.rows))]];
  for (const key of SUMMARY) rows.push([key, ...all.map((split) => formatMetric(split[key]))]);
  for (const k of Object.keys(all[0]?.precision_at_k ?? {})) {
    rows.push([`precision_at_${k}`, ...all.map((split) => formatMetric(split.precision_at_k[k]))]);
  }
  return table(["metric", ...Object.keys(splits)], rows, colors);
}

/** One line per label, in the model's order. */
export function labelTable(split: SplitMetrics, colors: Colors): string {
  const rows = Object.entries(split.per_label).map(([name, label]) => [
    name,
    formatCount(label.support),
    formatMetric(label.precision),
    formatMetric(label.recall),
    formatMetric(label.f1),
    formatMetric(label.roc_auc),
    formatMetric(label.average_precision),
  ]);
  const head = ["label", "support", "precision", "recall", "f1", "roc_auc", "average_precision"];
  return table(head, rows, colors);
}

/** The tables that end a training run or an evaluation. */
export function metricsReport(splits: Record<string, SplitMetrics>, colors: Colors): string {
  const parts = [summaryTable(splits, colors)];
  for (const [name, split] of Object.entries(splits)) {
    parts.push(`${colors.bold(name)}, by label\n${labelTable(split, colors)}`);
  }
  return `${parts.join("\n\n")}\n`;
}
