/** Metrics: everything in `metrics.json` that describes a split, and selecting one by name. */
export { computeMetrics, computeMetricsAsync } from "./compute.ts";
export { sigmoid } from "./logits.ts";
export { assignsNothing, checkMetricName, isBetter, selectMetric } from "./select.ts";
export type { LabelMetrics, MetricsInput, SplitMetrics } from "./types.ts";
