import { z } from "zod";
import type { SplitMetrics } from "../../metrics/index.ts";
import { savedOptionsSchema } from "../../options/index.ts";
import { splitFingerprintSchema } from "../data/index.ts";

const count = z.number().int().nonnegative();
const metrics = z.custom<SplitMetrics>(
  (value) => typeof value === "object" && value !== null && "rows" in value,
);

const bestSchema = z.object({
  /** The model after so many steps. */
  step: count,
  metric: z.string(),
  value: z.number().nullable(),
  /** Dev metrics of that model; null when the run has no dev data. */
  dev: metrics.nullable(),
  /** Of its model.safetensors; null when the run writes no directory. */
  sha256: z.string().nullable(),
});

export type BestRecord = z.output<typeof bestSchema>;

const sumsSchema = z.object({
  /** Loss times rows, over the steps of the epoch under way (or just ended). */
  epochLoss: z.number(),
  epochRows: count,
  rows: count,
  tokens: count,
  /** In training steps alone. */
  trainSeconds: z.number(),
  totalSeconds: z.number(),
  peakRssMb: z.number(),
});

const progressSchema = z.object({
  /** Optimizer steps taken. Data order and dropout are functions of seed and step, so there is no other random state. */
  step: count,
  /** Epoch and place in it of the next step; for the reader, and checked against `step`. */
  epoch: count,
  position: count,
  /** Step after which the model was last evaluated. */
  evaluatedStep: count,
  /** Evaluations since the best one. */
  evaluationsWithoutBetter: count,
  best: bestSchema.nullable(),
  sums: sumsSchema,
});

/** How far a run is: what changes while it trains. */
export type Progress = z.output<typeof progressSchema>;

/** The contents of a checkpoint's `state.json`: all of a run but weights and moments. */
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

/** What a run is, whatever its options are called: the part of its state that stays. */
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
    sums: { epochLoss: 0, epochRows: 0, rows: 0, tokens: 0, trainSeconds: 0, totalSeconds: 0, peakRssMb: 0 },
  };
}

/** That part of a state which {@link RunIdentity} leaves out. */
export function progressOf(state: TrainState): Progress {
  const { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, sums } = state;
  return { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, sums };
}
