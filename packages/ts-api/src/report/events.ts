import type { DataPlan } from "../data/index.ts";
import type { SplitMetrics } from "../metrics/index.ts";

/** The contents of `metrics.json`. */
export interface RunMetrics {
  train: {
    rows: number;
    epochs: number;
    steps: number;
    /** Mean loss over the rows of the last epoch, dropout on. */
    loss: number;
    samples_per_second: number;
    /** Including special tokens; there is no padding. */
    tokens_per_second: number;
    /** Time spent in training steps, without evaluation and saving. */
    seconds: number;
    total_seconds: number;
    peak_rss_mb: number;
    best_step: number;
    best_metric: string;
    best_value: number | null;
  };
  dev?: SplitMetrics;
  test?: SplitMetrics;
}

/** The events of a run, as plain objects; `finetag train --json` writes each as one line of JSON. */
export type TrainEvent =
  | {
      type: "start";
      model: string;
      /** Absent if the model is trained in memory and nothing is written. */
      outputDir?: string;
      device: string;
      threads: number;
      labels: string[];
      trainRows: number;
      devRows: number;
      testRows: number;
      trainTokens: number;
      epochs: number;
      totalSteps: number;
      /** Optimizer steps in one pass over the training rows. */
      stepsPerEpoch: number;
      /** 0, or the step after which a resumed run continues. */
      step: number;
      /** The format of the weights: `safetensors`, `TensorFlow checkpoint`, … */
      weights: string;
      loadedTensors: number;
      freshParameters: string[];
      unusedTensors: string[];
      /** All options of the training under their API names, defaults filled in. */
      options: Readonly<Record<string, unknown>>;
    }
  | { type: "warning"; message: string }
  /** How a file is read; before its rows are. */
  | { type: "data"; split: "train" | "dev" | "test"; plan: DataPlan }
  /** Rows read and tokenized so far, before `start`. */
  | {
      type: "loading";
      split: "train" | "dev" | "test";
      rows: number;
      done: boolean;
      /** Number of texts cut to the maximum length; when `done`. */
      truncated?: number;
      /** That length in tokens, special tokens included; when `done`. */
      maxLength?: number;
    }
  | {
      type: "step";
      step: number;
      totalSteps: number;
      epoch: number;
      loss: number;
      learningRate: number;
      gradNorm: number;
      samplesPerSecond: number;
      tokensPerSecond: number;
      secondsLeft: number;
    }
  | { type: "evaluating"; split: "dev" | "test"; rows: number; totalRows: number }
  | {
      type: "evaluation";
      split: "dev" | "test";
      step: number;
      epoch: number;
      metrics: SplitMetrics;
      best: boolean;
    }
  | { type: "checkpoint"; step: number; path: string }
  | { type: "stop"; reason: "early_stopping" | "aborted"; step: number; message: string }
  | { type: "end"; outputDir?: string; step: number; metrics: RunMetrics };
