import { createRequire } from "node:module";
import { type SplitMetrics, visible } from "@finetag/api";
import type CliTable from "cli-table3";
import type { Colors } from "../context.ts";
import { formatCount, formatMetric, shortName } from "./format.ts";

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
  out.push(...rows.map((row) => row.map((cell) => visible(shortName(cell)))));
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
function summaryTable(splits: Record<string, SplitMetrics>, colors: Colors): string {
  const all = Object.values(splits);
  const rows = [["rows", ...all.map((split) => formatCount(split.rows))]];
  for (const key of SUMMARY) rows.push([key, ...all.map((split) => formatMetric(split[key]))]);
  for (const k of Object.keys(all[0]?.precision_at_k ?? {})) {
    rows.push([`precision_at_${k}`, ...all.map((split) => formatMetric(split.precision_at_k[k]))]);
  }
  return table(["metric", ...Object.keys(splits)], rows, colors);
}

/** With more labels than this, only the most frequent ones are shown. */
const MOST_LABELS = 40;
const SHOWN_OF_MANY = 20;

/**
 * One line per label, in the model's order. Of many labels, those with most rows, the most frequent first, and a line about
 * the others.
 */
function labelTable(split: SplitMetrics, colors: Colors): string {
  const all = Object.entries(split.per_label);
  if (all.length <= MOST_LABELS) return tableOfLabels(all, colors);
  const byFrequency = all.toSorted(([, a], [, b]) => b.support - a.support);
  const rest = byFrequency.slice(SHOWN_OF_MANY);
  const without = rest.filter(([, { f1 }]) => !f1).length;
  const about = without === 0 ? "" : `, ${formatCount(without)} of them with F1 0`;
  return (
    `${tableOfLabels(byFrequency.slice(0, SHOWN_OF_MANY), colors)}\n` +
    `${formatCount(rest.length)} less frequent labels are not shown${about}`
  );
}

function tableOfLabels(labels: [string, SplitMetrics["per_label"][string]][], colors: Colors): string {
  const rows = labels.map(([name, label]) => [
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

/** The tables that end a training run or an evaluation: all splits side by side, and the labels of the last one. */
export function metricsReport(splits: Record<string, SplitMetrics>, colors: Colors): string {
  const last = Object.entries(splits).at(-1);
  const parts = [summaryTable(splits, colors)];
  if (last !== undefined) parts.push(`${colors.bold(last[0])}, by label\n${labelTable(last[1], colors)}`);
  return `${parts.join("\n\n")}\n`;
}
