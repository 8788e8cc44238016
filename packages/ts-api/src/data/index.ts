/**
 * Reading labelled texts from files of many formats as a stream of rows, with the labels as indices.
 * Every error is one line with the file and the 1-based line on which the record starts.
 */
export { findDataDirectory } from "./directory.ts";
export { openData } from "./file.ts";
export { encodingName, readLines } from "./formats/index.ts";
export { readLabelFile, similarNames } from "./labels/index.ts";
export { type DataSummary, describePlan, type PlanDataOptions, planData } from "./plan.ts";
export { Random, shuffle } from "./random.ts";
export { devSplit } from "./split.ts";
export type {
  DataColumns,
  DataFile,
  DataFormat,
  DataPlan,
  DataRow,
  DataSpec,
  LabelRules,
} from "./types.ts";
