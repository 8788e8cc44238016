/** Fine-tuning from files, with checkpoints, evaluation and events. */

export {
  checkSameLabels,
  collectLabels,
  dataSpec,
  fileSource,
  memorySource,
  noRows,
  type RowSource,
} from "./data/index.ts";
export type { RunMetrics, TrainEvent } from "./events.ts";
export {
  type DataOptions,
  dataOptionsSchema,
  evalOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  parseOptions,
  predictOptionsSchema,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "./options/index.ts";
export { fit, type RunContext, trainRun } from "./pipeline/index.ts";
