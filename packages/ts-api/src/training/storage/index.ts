export { type CheckpointRef, loadCheckpoint, newestCheckpoint } from "./checkpoint.ts";
export { compareWithCheckpoint } from "./compare.ts";
export { checkOutputDirectory, openOutputDirectory } from "./directory.ts";
export { freshState, type TrainState } from "./state.ts";
export { checkpointFolder, DirectoryStorage, MemoryStorage, type RunStorage } from "./storage.ts";
