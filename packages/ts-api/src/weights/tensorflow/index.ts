export { findCheckpoint, missingCheckpoint } from "./files.ts";
export { openTensorflow } from "./read.ts";
