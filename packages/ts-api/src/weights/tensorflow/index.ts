export { findCheckpoint, missingCheckpoint } from "./files.ts";
export { openTensorflow } from "./read.ts";
export { FOOTER_BYTES, isTable } from "./table.ts";
