/** How the lines and fields of a text file are separated, told from its start. */
export { type Dialect, findDialect } from "./dialect.ts";
export { findLineEnd, type LineEnd, linesOf } from "./line-end.ts";
