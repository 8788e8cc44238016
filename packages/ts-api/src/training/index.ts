/** Fine-tuning from files, with checkpoints, evaluation and events. */
export type { RunMetrics, TrainEvent } from "./events.ts";
export { dataSpec } from "./files.ts";
export {
  type DataOptions,
  dataOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "./options.ts";
export { type RunContext, trainRun } from "./run.ts";
