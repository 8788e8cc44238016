/** Reading tables of text, of whatever format, as records with the line on which each starts. */
export { shellPath } from "./container/index.ts";
export { encodingName } from "./encoding/index.ts";
export { DATA_ENDINGS, PACKED_ENDINGS } from "./files.ts";
export { readTextFile } from "./read-text.ts";
export { openTable } from "./shards.ts";
export type { Table } from "./table.ts";
export { type Line, readLines } from "./text/index.ts";
