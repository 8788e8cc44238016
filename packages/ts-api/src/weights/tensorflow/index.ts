export { findCheckpoint, missingCheckpoint } from "./files.ts";
