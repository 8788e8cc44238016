/** The queue before an open model, in which concurrent callers share batches. */
export type { CallSettings } from "./request.ts";
export { type ForwardCall, Scheduler } from "./scheduler.ts";
export { charactersOf, type ForwardText, WINDOW_TEXTS, windowShare } from "./window.ts";
