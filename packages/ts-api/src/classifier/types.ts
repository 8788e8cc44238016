import type { Precision } from "@finetag/core-native";
import type { DataSpec } from "../data/index.ts";
import type { DownloadProgress } from "../hub/index.ts";
import type { FitOptions } from "../options/index.ts";

/** How a model is opened. */
export interface LoadOptions {
  /** The labels, for a model without a head, or with `newHead`; otherwise those of the model, in any order. */
  labels?: readonly string[];
  /** Replace the model's head with a fresh one. */
  newHead?: boolean;
  /** `auto` (the first GPU if there is one; in int8 the CPU), `cpu`, `cuda` or `cuda:N`. Default `auto`. */
  device?: string;
  /** CPU threads. Default: all cores. */
  threads?: number;
  /** Seeds a fresh head and dropout. Default 42. */
  seed?: number;
  /**
   * `bf16`: autocast where the device has it. `int8`: the encoder's linear layers quantized, on the CPU, for predicting
   * and evaluating only; see docs/numerics.md. Default `float32`.
   */
  precision?: Precision;
  /** Replaces the dropout rates of the model's config while training. */
  dropout?: number;
  /** Use only models on this machine. Default: `HF_HUB_OFFLINE`. */
  offline?: boolean;
  /** Called while the model is downloaded. */
  onDownload?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
}

/** A text to classify. */
export interface TextInput {
  text: string;
  /** Second text of a pair. */
  textPair?: string;
  /** Returned with the prediction. */
  id?: string;
}

/** A model's answer for a text. */
export interface Prediction {
  id?: string;
  text: string;
  textPair?: string;
  /** Names of the labels whose probability is above the threshold, in the model's order. */
  labels: string[];
  /** Probability of each label, by its name, in the model's order; float64. */
  probabilities: Record<string, number>;
}

export interface PredictOptions {
  /** Most texts in a batch. Default: as many as 2,048 tokens hold, or 16,384 on a GPU. */
  batchSize?: number;
  /** Longest text in tokens. Default: the model's. */
  maxLength?: number;
  /** From 0 to 1; replaces the model's own thresholds. */
  threshold?: number;
  /** Ends the call at once; its texts that are in no batch yet are not computed. */
  signal?: AbortSignal;
}

export interface StreamOptions extends PredictOptions {
  /**
   * Wait until 1,024 texts have come before any is classified, for sources that are never slow, such as files: the same
   * texts then go together in every run, and the last bits of the probabilities are the same. Default: false.
   */
  fullWindows?: boolean;
}

/** A text with the names of its labels, to train or evaluate on. */
export interface LabeledText extends TextInput {
  labels: readonly string[];
}

/** Labelled rows: a file's path, a file and its columns, or rows in memory. */
export type LabeledData = string | DataSpec | readonly LabeledText[];

export interface ClassifierTrainOptions extends FitOptions {
  train: LabeledData;
  /** Evaluated on while training; picks the best weights. */
  dev?: LabeledData;
  signal?: AbortSignal;
}

export interface EvaluateOptions {
  /** Most texts in a batch. Default: as many as 2,048 tokens hold, or 16,384 on a GPU. */
  batchSize?: number;
  /** Instead of the model's own thresholds. */
  threshold?: number;
  signal?: AbortSignal;
  /** Called after each batch. `totalRows` counts the rows read so far, which are all of them long before the end. */
  onProgress?: (progress: { rows: number; totalRows: number }) => void;
}
