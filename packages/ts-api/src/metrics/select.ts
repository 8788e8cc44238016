import { FinetagError, nearest } from "../errors/index.ts";
import { cutoffs } from "./row-rankings.ts";
import type { LabelMetrics, SplitMetrics } from "./types.ts";

export type MetricDirection = "higher" | "lower";

/** One metric, selected by name. */
export interface SelectedMetric {
  name: string;
  /** `null` if it is undefined on these rows. */
  value: number | null;
  /** Which values are better. */
  direction: MetricDirection;
}

type ScalarName = Exclude<keyof SplitMetrics, "rows" | "precision_at_k" | "per_label" | "warnings">;
type LabelField = Exclude<keyof LabelMetrics, "support" | "threshold">;

const SCALARS: Readonly<Record<ScalarName, MetricDirection>> = {
  loss: "lower",
  micro_f1: "higher",
  micro_precision: "higher",
  micro_recall: "higher",
  macro_f1: "higher",
  macro_precision: "higher",
  macro_recall: "higher",
  weighted_f1: "higher",
  weighted_precision: "higher",
  weighted_recall: "higher",
  samples_f1: "higher",
  samples_precision: "higher",
  samples_recall: "higher",
  samples_jaccard: "higher",
  subset_accuracy: "higher",
  hamming_loss: "lower",
  roc_auc_macro: "higher",
  roc_auc_micro: "higher",
  average_precision_macro: "higher",
  average_precision_micro: "higher",
  lrap: "higher",
  coverage_error: "lower",
  ranking_loss: "lower",
  roc_auc_tf200_macro: "higher",
};

const LABEL_FIELDS: Readonly<Record<LabelField, true>> = {
  roc_auc: true,
  roc_auc_tf200: true,
  average_precision: true,
  precision: true,
  recall: true,
  f1: true,
};

/**
 * Reads a metric by name: a key of {@link SplitMetrics} such as `micro_f1`, `precision_at_k.3`, or
 * `per_label.NAME.FIELD` (the label's name may contain dots).
 *
 * @throws FinetagError ERR_FINETAG_ARGUMENT for an unknown name, with a suggestion and the list.
 */
export function selectMetric(metrics: SplitMetrics, name: string): SelectedMetric {
  const direction = checkMetricName(name, Object.keys(metrics.per_label));
  return { name, value: read(metrics, name), direction };
}

/**
 * Checks, before there are any metrics, that a run on these labels will have a metric of this name.
 *
 * @returns which values are better.
 * @throws FinetagError ERR_FINETAG_ARGUMENT for an unknown name, with a suggestion and the list.
 */
export function checkMetricName(name: string, labels: readonly string[]): MetricDirection {
  if (isScalar(name)) return SCALARS[name];
  const precisions = cutoffs(labels.length).map((k) => `precision_at_k.${k}`);
  if (precisions.includes(name)) return "higher";
  const { label, field } = splitLabelName(name);
  if (label !== undefined && labels.includes(label) && Object.hasOwn(LABEL_FIELDS, field)) return "higher";

  const known = [...Object.keys(SCALARS), ...precisions];
  // In a name with per_label, the label or the field is mistyped; in any other, a name of the short list.
  const candidates = name.startsWith(LABEL_PREFIX)
    ? labels.flatMap((one) => Object.keys(LABEL_FIELDS).map((key) => `${LABEL_PREFIX}${one}.${key}`))
    : known;
  const meant = closest(name, candidates);
  const fields = Object.keys(LABEL_FIELDS).join("|");
  throw new FinetagError(
    "ERR_FINETAG_ARGUMENT",
    `unknown metric ${JSON.stringify(name)}${meant ? `; did you mean ${meant}?` : ";"} ` +
      `known are ${known.join(", ")} and ${LABEL_PREFIX}NAME.{${fields}}`,
    { option: "bestMetric" },
  );
}

/** What models are compared by. */
export interface Standing {
  /** The chosen metric; `null` if it is undefined on these rows. */
  value: number | null;
  loss: number | null;
}

/**
 * Whether a model is better than the best one so far. A metric with a value is better than one without; between equal
 * values, or where neither has one, the lower loss decides. With rare labels F1 can be 0 at every evaluation while
 * the model still learns.
 */
export function isBetter(own: Standing, best: Standing, direction: MetricDirection): boolean {
  const order = compare(own.value, best.value, direction);
  return (order === 0 ? compare(own.loss, best.loss, "lower") : order) > 0;
}

/** Above 0 if `a` is better than `b`; no value is worse than any. */
function compare(a: number | null, b: number | null, direction: MetricDirection): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return direction === "higher" ? a - b : b - a;
}

/** True if there are rows, but no probability is above its threshold. */
export function assignsNothing({
  rows,
  hamming_loss: wrong,
  micro_recall: recall,
  per_label,
}: SplitMetrics): boolean {
  // Without hits, every label of a row is an error, and so is everything predicted.
  const labels = Object.values(per_label);
  const support = labels.reduce((sum, label) => sum + label.support, 0);
  return wrong !== null && recall === 0 && Math.round(wrong * rows * labels.length) === support;
}

const LABEL_PREFIX = "per_label.";

function isScalar(name: string): name is ScalarName {
  return Object.hasOwn(SCALARS, name);
}

function splitLabelName(name: string): { label?: string; field: string } {
  const dot = name.lastIndexOf(".");
  if (!name.startsWith(LABEL_PREFIX) || dot < LABEL_PREFIX.length) return { field: "" };
  return { label: name.slice(LABEL_PREFIX.length, dot), field: name.slice(dot + 1) };
}

function read(metrics: SplitMetrics, name: string): number | null {
  if (isScalar(name)) return metrics[name];
  const { label, field } = splitLabelName(name);
  if (label !== undefined) return metrics.per_label[label]?.[field as LabelField] ?? null;
  return metrics.precision_at_k[name.slice(name.indexOf(".") + 1)] ?? null;
}

/** The name that contains the given one (`f1`: `micro_f1`), else the closest one. */
function closest(name: string, candidates: string[]): string | undefined {
  return candidates.find((candidate) => name !== "" && candidate.includes(name)) ?? nearest(name, candidates);
}
