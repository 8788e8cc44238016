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
  /** Probability of each label, by its name, in the model's order. */
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
