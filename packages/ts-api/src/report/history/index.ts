export type { HistoryEntry, HistoryMetrics } from "./entries.ts";
export { HistoryObserver } from "./observer.ts";
export { HISTORY, readHistory } from "./read.ts";
