/** Reading tables of text: CSV, TSV and JSONL, as records with the line on which each starts. */
export { readText } from "./bytes.ts";
export { type Line, readLines } from "./lines.ts";
export { openTable, type Table, type TableSource } from "./table.ts";
