/** Tokens of many texts in packed form: filling a store, keeping it in a file, ordering its rows by length. */
export { type EncodableRow, encodeRows, encodeTexts, encodeWindow } from "./encode.ts";
export { batchEnd, batchesByLength, longestFirst } from "./lengths.ts";
export { BLOCK_ROWS, type Split, TokenStore } from "./store.ts";
export { readStore, STORE_FILE_FORMAT, writeStore } from "./store-file.ts";
