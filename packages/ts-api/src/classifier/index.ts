/** A trained or trainable model in this process. */
export { Classifier } from "./classifier.ts";
export { type PredictionJson, predictionToJson, predictionToText } from "./json.ts";
export type {
  ClassifierTrainOptions,
  EvaluateOptions,
  LabeledData,
  LabeledText,
  LoadOptions,
  Prediction,
  PredictOptions,
  StreamOptions,
  TextInput,
} from "./types.ts";
