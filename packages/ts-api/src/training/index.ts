/**
 * Fine-tuning, with checkpoints, evaluation and events. Each room knows those before it:
 *
 * - `options/`: what a training can be told.
 * - `data/`: files and rows as tokens; how they are cut into batches and steps.
 * - `storage/`: where a run is kept and what resuming compares: a directory, or memory.
 * - `pipeline/`: one training from its data to its end. `trainRun` calls it for files and a directory,
 *   `Classifier.train` for a model in the process.
 *
 * All but `options/` speak in the events of `report/`, whose observers write logs, and which knows none of these three.
 */

export {
  checkSameLabels,
  collectLabels,
  dataSpec,
  fileSource,
  memorySource,
  noRows,
  type RowSource,
} from "./data/index.ts";
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
export { endAtAbort, type RunContext, train, trainRun } from "./pipeline/index.ts";
export { finetagJson, MemoryStorage } from "./storage/index.ts";
