/**
 * finetag: fine-tune BERT-family encoders for multi-label text classification, natively, from Node.js.
 *
 * - {@link Classifier}: trains, predicts, evaluates and saves a model in this process.
 * - {@link trainRun}: trains as `finetag train` does, from files to a directory with the best model and checkpoints.
 * - {@link pullModel}, {@link pushModel}, {@link inspectModel}, {@link convertModel}, {@link doctor}: the other commands.
 * - {@link openTokenizer}: a model's tokenizer without the model, and the words that its tokens form.
 *
 * Every error is a {@link FinetagError} with a stable `code`, a `kind`, and a one-line message that says what to do.
 *
 * @packageDocumentation
 */
export * from "./classifier/index.ts";
export { type ConvertedModel, type ConvertOptions, convertModel } from "./convert.ts";
export {
  type DataColumns,
  type DataFile,
  type DataFormat,
  type DataPlan,
  type DataRow,
  type DataSpec,
  type DataSummary,
  describePlan,
  encodingName,
  type LabelRules,
  openData,
  type PlanDataOptions,
  planData,
} from "./data/index.ts";
export { type DoctorCheck, type DoctorReport, doctor } from "./doctor.ts";
export {
  FinetagError,
  type FinetagErrorCode,
  type FinetagErrorKind,
  type FinetagErrorOptions,
  visible,
} from "./errors/index.ts";
export {
  type CatalogueEntry,
  catalogue,
  type DownloadProgress,
  type ModelOptions,
  type PlannedFile,
  type PlanOptions,
  type PulledModel,
  type PushedModel,
  type PushOptions,
  type PushPlan,
  type PushProgress,
  planPush,
  pullModel,
  pushModel,
  resolveModel,
} from "./hub/index.ts";
export { type InspectOptions, inspectModel, type ModelSummary, type TensorSummary } from "./inspect.ts";
export {
  type AtomicFileOptions,
  checkWritable,
  type OutputHandle,
  withAtomicFile,
  writeFileAtomic,
} from "./io/index.ts";
export type { LabelMetrics, MetricsInput, SplitMetrics } from "./metrics/index.ts";
export { computeMetrics, computeMetricsAsync } from "./metrics/index.ts";
export { openTokenizer } from "./open-tokenizer.ts";
export {
  type DataOptions,
  dataOptionsSchema,
  evalOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  predictOptionsSchema,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "./options/index.ts";
export {
  type HistoryEntry,
  type HistoryMetrics,
  type RunMetrics,
  readHistory,
  type TrainEvent,
} from "./report/index.ts";
export {
  chineseWords,
  type EncodedTexts,
  type EncodedWords,
  type Tokenizer,
  type WordSegmenter,
} from "./tokenizer/index.ts";
export { dataSpec, type RunContext, trainRun } from "./training/index.ts";
export { VERSION } from "./version.ts";
