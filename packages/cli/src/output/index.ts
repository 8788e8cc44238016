export { DownloadProgressLine } from "./download.ts";
export { formatBytes, formatCount, listSome, plural } from "./format.ts";
export { costReport, int8Cost } from "./int8-cost.ts";
export { ProgressLine } from "./progress.ts";
export { metricsReport, table } from "./tables.ts";
export { BarReporter, JsonReporter, LineReporter } from "./train-reporter.ts";
export { noticeText } from "./train-text.ts";
