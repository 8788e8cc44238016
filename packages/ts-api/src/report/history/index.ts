export type { HistoryEntry, HistoryMetrics } from "./entries.ts";
export { HistoryObserver, type HistoryOptions } from "./observer.ts";
export { HISTORY, readHistory } from "./read.ts";
