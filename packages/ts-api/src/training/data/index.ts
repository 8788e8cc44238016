export { BatchStream, type StepBatches } from "./batches.ts";
export { coverageWarning } from "./coverage.ts";
export { checkSameLabels, dataSpec, openRunFiles, type RunFiles } from "./files.ts";
export { splitFingerprintSchema } from "./fingerprint.ts";
export { holdOut, type LoadedSplit, loadSplit, noRows } from "./load.ts";
export { isDue, locateStep, planSteps, type StepPlan } from "./plan.ts";
export { collectLabels, fileSource, memorySource, type RowSource } from "./sources.ts";
export { TokenCache } from "./token-cache.ts";
