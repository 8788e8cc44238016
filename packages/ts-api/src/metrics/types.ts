/** Metrics of one label. A value that is undefined on these rows is `null`. */
export interface LabelMetrics {
  /** Exact area under the ROC curve; `null` without a positive or without a negative row. */
  roc_auc: number | null;
  /** The value of `tf.metrics.auc` (200 thresholds); `null` if `roc_auc` is. */
  roc_auc_tf200: number | null;
  /** Average precision (step integral of the precision-recall curve); `null` without a positive row. */
  average_precision: number | null;
  precision: number | null;
  recall: number | null;
  f1: number | null;
  /** Rows with the label. */
  support: number;
  /** A row is predicted positive when its probability is above (not at) this. */
  threshold: number;
}

/**
 * Metrics of one split, with the keys of `metrics.json`.
 * A value that is undefined on these rows is `null`, and `warnings` says why.
 */
export interface SplitMetrics {
  rows: number;
  loss: number | null;
  micro_f1: number | null;
  micro_precision: number | null;
  micro_recall: number | null;
  macro_f1: number | null;
  macro_precision: number | null;
  macro_recall: number | null;
  weighted_f1: number | null;
  weighted_precision: number | null;
  weighted_recall: number | null;
  samples_f1: number | null;
  samples_precision: number | null;
  samples_recall: number | null;
  /** Mean over rows of the Jaccard index: labels both assigned and right, of those that are either. */
  samples_jaccard: number | null;
  subset_accuracy: number | null;
  hamming_loss: number | null;
  roc_auc_macro: number | null;
  roc_auc_micro: number | null;
  average_precision_macro: number | null;
  average_precision_micro: number | null;
  lrap: number | null;
  coverage_error: number | null;
  ranking_loss: number | null;
  /** By k: 1, 3 and 5, as long as there are that many labels. */
  precision_at_k: Record<string, number | null>;
  roc_auc_tf200_macro: number | null;
  per_label: Record<string, LabelMetrics>;
  warnings: string[];
}

/** Input of the metrics; N rows, L labels. */
export interface MetricsInput {
  /** [N, L], row-major, each in [0, 1]. */
  probabilities: Float64Array;
  /**
   * [N, L], row-major, each 0 or 1, or 2 for a label that is unknown. Unknown labels count nowhere: metrics of a label are
   * those of the rows that know it, metrics of a row those of its known labels, and micro averages and the Hamming loss
   * those of all known entries.
   */
  labels: Uint8Array;
  /** [L], all different. */
  names: readonly string[];
  /** One for all labels, or [L]; each in [0, 1]. */
  thresholds: number | readonly number[];
  /** Mean loss of the split; passed through. */
  loss?: number | null;
}
