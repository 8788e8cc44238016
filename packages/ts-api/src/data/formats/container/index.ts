/** The bytes of a data file, decompressed where the file is compressed; what holds no data is refused by what it is. */
export { type Contents, openContents } from "./contents.ts";
export { fileError, readBytes } from "./file.ts";
export { shellPath } from "./foreign.ts";
