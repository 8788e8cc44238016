export {
  type ModelConfig,
  maxTextLength,
  namesOfLabels,
  parseModelConfig,
  readModelConfig,
} from "./config.ts";
export { type Family, familyOf } from "./families/index.ts";
export { type FinetagJson, formatJson, readFinetagJson, writeFinetagJson } from "./finetag-json.ts";
export { matchWeights, saysClassifier, type WeightMatch } from "./match.ts";
export { headBias, isHeadParameter } from "./names.ts";
export { labelMaps, type SavedModel, saveDirectory, savedConfigJson, saveModelDirectory } from "./save.ts";
export { assertVocabulary } from "./vocabulary.ts";
