export { endAtAbort } from "./abort.ts";
export { type RunContext, trainRun } from "./run.ts";
export { train } from "./train.ts";
