/**
 * Fine-tuning, with checkpoints, evaluation and events. Each room knows those before it:
 *
 * - `data/`: files and rows as tokens; how they are cut into batches and steps.
 * - `storage/`: where a run is kept and what resuming compares: a directory, or memory.
 * - `pipeline/`: one training from its data to its end. `trainRun` calls it for files and a directory,
 *   `Classifier.train` for a model in the process.
 *
 * Its options are declared in `../options/`. All rooms speak in the events of `../report/`, whose observers write logs and
 * which knows none of the three.
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
export { endAtAbort, type RunContext, train, trainRun } from "./pipeline/index.ts";
export { finetagJson, MemoryStorage } from "./storage/index.ts";
