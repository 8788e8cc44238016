export { fit } from "./fit.ts";
export { type RunContext, trainRun } from "./run.ts";
