/** A model in the native engine: opening it, feeding it texts, reading results. */
export { isAborted, throwIfAborted, yieldToEventLoop } from "./abort.ts";
export { openAddon } from "./addon.ts";
export { chooseDevice } from "./device.ts";
export { type EncodableRow, type EncodedStore, encodeRows, encodeWindow } from "./encode.ts";
export { mapNativeError } from "./errors.ts";
export { evaluateWindows, evaluationWindows, type Split } from "./evaluate.ts";
export { forwardWindows } from "./forward.ts";
export { longestFirst } from "./lengths.ts";
export {
  checkMaxLength,
  type ModelSource,
  notFinite,
  type OpenModel,
  type OpenModelOptions,
  openModel,
  readModelSource,
  strangeHead,
} from "./model.ts";
export { ReadAhead, readAhead } from "./read-ahead.ts";
export { allFinite, MOMENTS, momentTensors, saveModel, weightTensors } from "./save.ts";
export {
  type CallSettings,
  charactersOf,
  type ForwardCall,
  type ForwardText,
  type Receive,
  Scheduler,
  type SchedulerModel,
  WINDOW_TEXTS,
  windowShare,
} from "./scheduler/index.ts";
export { ModelSession } from "./session.ts";
export { BLOCK_ROWS, TokenStore } from "./store.ts";
export { readStore, STORE_FILE_FORMAT, writeStore } from "./store-file.ts";
export { type Survey, surveyWeights } from "./survey.ts";
