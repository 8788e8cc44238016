export { endAtAbort } from "./abort.ts";
export { type RunContext, trainRun } from "./run.ts";
export type { Sources } from "./splits.ts";
export { type TrainInput, train } from "./train.ts";
