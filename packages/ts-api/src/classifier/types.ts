import type { Precision } from "@finetag/core-native";
import type { DataPlan, DataSpec } from "../data/index.ts";
import type { DownloadProgress } from "../hub/index.ts";
import type { FitOptions } from "../options/index.ts";

/** Options for opening a model. */
export interface LoadOptions {
  /** The labels of a new head. If the model keeps its head, these must be its labels, in any order. */
  labels?: readonly string[];
  /** Replace the model's head with a new one. */
  newHead?: boolean;
  /** `auto` (the first GPU if there is one; in int8 the CPU), `cpu`, `cuda` or `cuda:N`. Default `auto`. */
  device?: string;
  /** CPU threads. Default: all cores that the process may use, fewer under a CPU quota. */
  threads?: number;
  /** Seed of a new head and of dropout. Default 42. */
  seed?: number;
  /**
   * Use a model that was trained for another problem (`problem_type` in its config.json), as with softmax, all the same: each
   * label gets a probability of its own (sigmoid). Default: false; such a model then refuses to predict until it is trained.
   */
  multiLabel?: boolean;
  /**
   * `bf16`: autocast, on devices with bf16 instructions. `int8`: quantized linear layers of the encoder, on the CPU, for
   * prediction and evaluation only; see docs/numerics.md. Default `float32`.
   */
  precision?: Precision;
  /** Dropout rate in training, in place of those in the model's config. */
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
  /** Any id of the caller's; returned with the prediction. */
  id?: string;
}

/** The result for one text. */
export interface Prediction {
  id?: string;
  text: string;
  textPair?: string;
  /** Names of the labels whose probability is above the threshold, in the model's order. */
  labels: string[];
  /** Probability of each label, by its name; float64. `Classifier.labels` has the model's order, also of names like "12". */
  probabilities: Record<string, number>;
}

export interface PredictOptions {
  /** Maximum number of texts per batch. Default: batches of up to 2,048 tokens, 16,384 on a GPU. */
  batchSize?: number;
  /** Maximum length of a text in tokens; longer texts are truncated. Default: the model's. */
  maxLength?: number;
  /** From 0 to 1; replaces the model's own thresholds. */
  threshold?: number;
  /** Ends the call at once. Texts that are not in a batch yet are not computed. */
  signal?: AbortSignal;
}

export interface StreamOptions extends PredictOptions {
  /**
   * Wait for 1,024 texts before classifying any. For sources that are never slow, such as files: every run then forms the
   * same batches, so the probabilities are the same to the last bit. Default: false.
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
  /** Data to evaluate on during training; it selects the best weights. */
  dev?: LabeledData;
  signal?: AbortSignal;
}

export interface EvaluateOptions {
  /** Maximum number of texts per batch. Default: batches of up to 2,048 tokens, 16,384 on a GPU. */
  batchSize?: number;
  /** From 0 to 1; replaces the model's own thresholds. */
  threshold?: number;
  signal?: AbortSignal;
  /** Called before the first batch with what was decided about a file, and what may be a mistake in it. */
  onData?: (plan: DataPlan) => void;
  /** Called after each batch. `totalRows` is the number of rows read so far; reading ends long before evaluation does. */
  onProgress?: (progress: { rows: number; totalRows: number }) => void;
}
