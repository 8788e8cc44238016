/**
 * Reading labelled texts: CSV, TSV and JSONL as a stream of rows, with the labels as indices.
 * Every error is one line with the file and the 1-based line on which the record starts.
 */
export { type DataDirectory, findDataDirectory } from "./directory.ts";
export { openData } from "./file.ts";
export { readLabelFile } from "./label-file.ts";
export { readLines } from "./lines.ts";
export { permutation, Random, type RandomState, shuffle } from "./random.ts";
export { type DevSplit, devSplit } from "./split.ts";
export type {
  DataColumns,
  DataFile,
  DataFormat,
  DataRow,
  DataSpec,
  LabelValues,
  OpenDataOptions,
} from "./types.ts";
