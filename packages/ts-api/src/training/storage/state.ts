import { z } from "zod";
import type { SplitMetrics } from "../../metrics/index.ts";
import { savedOptionsSchema } from "../../options/index.ts";
import { splitFingerprintSchema } from "../data/index.ts";

const count = z.number().int().nonnegative();
const metrics = z.custom<SplitMetrics>(
  (value) => typeof value === "object" && value !== null && "rows" in value,
);

const bestSchema = z.object({
  /** The model after this many steps. */
  step: count,
  metric: z.string(),
  value: z.number().nullable(),
  /** Dev metrics of that model; null if the run has no dev data. */
  dev: metrics.nullable(),
  /** SHA-256 of its model.safetensors; null if the run writes no directory. */
  sha256: z.string().nullable(),
});

const sumsSchema = z.object({
  /** Loss times rows, summed over the steps of the current (or just finished) epoch. */
  epochLoss: z.number(),
  epochRows: count,
  rows: count,
  tokens: count,
  /** Time in training steps only. */
  trainSeconds: z.number(),
  totalSeconds: z.number(),
  peakRssMb: z.number(),
});

const progressSchema = z.object({
  /** Optimizer steps taken. Data order and dropout are functions of seed and step, so there is no other random state. */
  step: count,
  /** Epoch and index within it of the next step; for human readers, and checked against `step`. */
  epoch: count,
  position: count,
  /** Step after which the model was last evaluated. */
  evaluatedStep: count,
  /** Evaluations since the best one. */
  evaluationsWithoutBetter: count,
  best: bestSchema.nullable(),
  /** Whether the run has said that no label passed the threshold; absent in older checkpoints. */
  saidNothingAssigned: z.boolean().default(false),
  sums: sumsSchema,
});

/** Progress of a run: what changes during training. */
export type Progress = z.output<typeof progressSchema>;

/** The contents of a checkpoint's `state.json`: everything about a run except weights and moments. */
export const trainStateSchema = progressSchema.extend({
  version: z.literal(1),
  totalSteps: count,
  seed: count,
  options: savedOptionsSchema,
  labels: z.array(z.string()),
  /** The engine's view of config.json. */
  model: z.record(z.string(), z.unknown()),
  data: z.object({ train: splitFingerprintSchema, dev: splitFingerprintSchema.optional() }),
  device: z.string(),
  threads: count,
  versions: z.record(z.string(), z.string()),
});

export type TrainState = z.output<typeof trainStateSchema>;

/** The identity of a run: the part of its state that does not change. */
export type RunIdentity = Omit<TrainState, keyof Progress | "version" | "options">;

/** Before the first step. */
export function noProgress(): Progress {
  return {
    step: 0,
    epoch: 0,
    position: 0,
    evaluatedStep: 0,
    evaluationsWithoutBetter: 0,
    best: null,
    saidNothingAssigned: false,
    sums: { epochLoss: 0, epochRows: 0, rows: 0, tokens: 0, trainSeconds: 0, totalSeconds: 0, peakRssMb: 0 },
  };
}

/** The part of a state that is not in {@link RunIdentity}. */
export function progressOf(state: TrainState): Progress {
  const { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, saidNothingAssigned, sums } =
    state;
  return { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, saidNothingAssigned, sums };
}
