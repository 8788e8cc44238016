/** Events, logs and descriptions of a run, for programs and people. Independent of how a run works. */

export { CARD_MARK } from "./card-mark.ts";
export { describeModel } from "./describe.ts";
export type { RunMetrics, TrainEvent } from "./events.ts";
export {
  HISTORY,
  type HistoryEntry,
  type HistoryMetrics,
  HistoryObserver,
  readHistory,
} from "./history/index.ts";
export { observed } from "./observer.ts";
export { TensorBoardObserver } from "./tensorboard/index.ts";
