export {
  type ModelConfig,
  maxTextLength,
  namesOfLabels,
  readModelConfig,
} from "./config.ts";
export { familyOf } from "./families/index.ts";
export { type FinetagJson, formatJson, readFinetagJson } from "./finetag-json.ts";
export { matchWeights, saysClassifier, type WeightMatch } from "./match.ts";
export { headBias, isHeadParameter } from "./names.ts";
export { notMultiLabel, otherProblem } from "./problem.ts";
export { labelMaps, saveDirectory, saveModelDirectory } from "./save.ts";
export { assertVocabulary } from "./vocabulary.ts";
