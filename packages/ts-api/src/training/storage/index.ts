/** Stores a run in a directory or in memory: the best model, checkpoints, and what resuming reads. */
export type { CheckpointRef } from "./checkpoint.ts";
export { claimOutputDirectory, type OutputClaim } from "./claim.ts";
export { DirectoryStorage } from "./directory-storage.ts";
export { MemoryStorage } from "./memory-storage.ts";
export { finetagJson, recordedOptions } from "./settings.ts";
export { noProgress, type Progress, type RunIdentity } from "./state.ts";
export type { RunStorage } from "./storage.ts";
