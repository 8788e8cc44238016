export { parseOptions } from "./parse.ts";
export {
  type DataOptions,
  dataOptionsSchema,
  type FitOptions,
  fitOptionsSchema,
  type ResolvedFitOptions,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "./schema.ts";
