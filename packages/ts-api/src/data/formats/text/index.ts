/** Tables in text: delimited fields, lines of text, and the layouts of fastText and LibMultiLabel. */
export type { TextRecord } from "./csv.ts";
export { type FieldSource, openFieldTable } from "./field-table.ts";
export { readFields } from "./fields.ts";
export { readLabelledLines, readLibMultiLabel } from "./labelled-lines.ts";
export { type Line, MAX_RECORD_BYTES, readLines } from "./lines.ts";
