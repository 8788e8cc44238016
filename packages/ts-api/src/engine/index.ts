/** A model in the native engine: opening it, feeding it texts, reading results. */
export { openAddon } from "./addon.ts";
export { evaluateWindows, evaluationWindows } from "./evaluate.ts";
export { yieldToEventLoop } from "./event-loop.ts";
export { strangeHead, untrained } from "./head.ts";
export {
  checkMaxLength,
  type ModelSource,
  notFinite,
  type OpenModel,
  openingWarnings,
  openModel,
  readModelSource,
} from "./model.ts";
export { ReadAhead, readAhead } from "./read-ahead.ts";
export { allFinite, MOMENTS, momentTensors, saveModel, weightTensors } from "./save.ts";
export {
  type CallSettings,
  charactersOf,
  type ForwardCall,
  type ForwardText,
  Scheduler,
  WINDOW_TEXTS,
  windowShare,
} from "./scheduler/index.ts";
export { ModelSession } from "./session.ts";
export {
  BLOCK_ROWS,
  type EncodableRow,
  encodeRows,
  encodeWindow,
  longestFirst,
  readStore,
  type Split,
  STORE_FILE_FORMAT,
  TokenStore,
  writeStore,
} from "./store/index.ts";
export { type Survey, surveyWeights } from "./survey.ts";
