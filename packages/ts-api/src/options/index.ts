export { lossConfig, lossTitle, savedLossConfig } from "./loss.ts";
export type { OnResume } from "./option.ts";
export { parseOptions } from "./parse.ts";
export { secondsOf } from "./save-every.ts";
export {
  type DataOptions,
  dataOptionsSchema,
  evalOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  keptOnResume,
  type OptionsUsedBy,
  optimizerFields,
  optionSpecs,
  predictOptionsSchema,
  type ResolvedFitOptions,
  type ResolvedTrainOptions,
  savedOptionsSchema,
  type TrainOptions,
  trainOptionsSchema,
} from "./schema.ts";
