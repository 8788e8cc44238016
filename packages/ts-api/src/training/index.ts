/**
 * Fine-tuning, with checkpoints, evaluation and events. Each folder may import those before it:
 *
 * - `data/`: files and rows as tokens; how they are cut into batches and steps.
 * - `storage/`: where a run is stored (a directory, or memory) and what resuming compares.
 * - `pipeline/`: a training run from its data to its end. `trainRun` calls it for files and a directory,
 *   `Classifier.train` for a model in memory.
 *
 * Options are declared in `../options/`. All three use the events of `../report/`, whose observers write logs and which
 * imports none of them.
 */

export {
  checkSameLabels,
  collectLabels,
  coverageWarning,
  dataSpec,
  fileSource,
  memorySource,
  noRows,
  type RowSource,
} from "./data/index.ts";
export { endAtAbort, type RunContext, train, trainRun } from "./pipeline/index.ts";
export { finetagJson, MemoryStorage } from "./storage/index.ts";
