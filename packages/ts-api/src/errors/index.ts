export { abortError, isAborted, throwIfAborted } from "./abort.ts";
export { FinetagError, type FinetagErrorOptions } from "./finetag-error.ts";
export type { FinetagErrorCode, FinetagErrorKind } from "./kinds.ts";
export { nearest } from "./suggest.ts";
export { oneLine, visible } from "./text.ts";
