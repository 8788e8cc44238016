/** Which columns hold a record's text and labels, and which labels each record has. */
export { resolveColumns } from "./columns.ts";
export { readLabelFile } from "./label-file.ts";
export {
  type CellPlace,
  cellError,
  columnOf,
  LabelIndex,
  type ListStyle,
  readFlag,
  readList,
} from "./labels.ts";
