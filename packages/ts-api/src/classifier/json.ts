import type { Prediction } from "./types.ts";

/** A {@link Prediction} as JSON; `finetag predict` writes one per line. */
export interface PredictionJson {
  /** Only if the input has one. */
  id?: string;
  text: string;
  /** Second text of a pair; only if the input has one. */
  text_pair?: string;
  /** Names of the labels whose probability is above the threshold, in the model's order. */
  labels: string[];
  /**
   * Probability of each label, by its name. The text of {@link predictionToText} has them in the model's order; in a
   * JavaScript object, names that are whole numbers come first, so use `Classifier.labels` where the order matters.
   */
  probabilities: Record<string, number>;
}

/** The JSON form of a prediction, with its keys in the order of {@link PredictionJson}. */
export function predictionToJson({ id, text, textPair, labels, probabilities }: Prediction): PredictionJson {
  return {
    ...(id === undefined ? {} : { id }),
    text,
    ...(textPair === undefined ? {} : { text_pair: textPair }),
    labels,
    probabilities,
  };
}

/**
 * A prediction as JSON on one line, with the probabilities in the order of `labels` whatever their names are: those of a
 * JavaScript object are not, if names are whole numbers.
 */
export function predictionToText(prediction: Prediction, labels: readonly string[]): string {
  const { probabilities, ...rest } = predictionToJson(prediction);
  const pairs = labels.map((label) => `${JSON.stringify(label)}:${JSON.stringify(probabilities[label])}`);
  return `${JSON.stringify(rest).slice(0, -1)},"probabilities":{${pairs.join(",")}}}`;
}
