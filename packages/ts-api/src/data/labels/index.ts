/** Which columns hold a record's text and labels, and which labels each record has. */
export { type CellPlace, cellError, columnOf } from "./cell.ts";
export { type ResolvedColumns, resolveColumns } from "./columns.ts";
export { readLabelFile } from "./label-file.ts";
export { similarNames } from "./names.ts";
export { labelReader } from "./reader.ts";
