/** How a run over N rows is split into batches and steps; counted as in Hugging Face Trainer. */
export interface StepPlan {
  rows: number;
  batchSize: number;
  /** Batches per step. */
  accumulation: number;
  /** The last batch of an epoch may be short. */
  batchesPerEpoch: number;
  /** The last step of an epoch may have fewer batches. */
  stepsPerEpoch: number;
  totalSteps: number;
  warmupSteps: number;
}

export interface PlanOptions {
  batchSize: number;
  gradientAccumulation: number;
  epochs: number;
  maxSteps?: number;
  warmupRatio: number;
}

/**
 * `steps per epoch = ceil(ceil(rows / batch) / accumulation)`, `total = ceil(epochs * steps per epoch)`,
 * `warm-up = ceil(total * ratio)`: transformers 5.18.0, `Trainer.set_initial_training_values` and
 * `TrainingArguments.get_warmup_steps`.
 */
export function planSteps(rows: number, options: PlanOptions): StepPlan {
  const batchesPerEpoch = Math.ceil(rows / options.batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / options.gradientAccumulation);
  const totalSteps = options.maxSteps ?? Math.ceil(options.epochs * stepsPerEpoch);
  return {
    rows,
    batchSize: options.batchSize,
    accumulation: options.gradientAccumulation,
    batchesPerEpoch,
    stepsPerEpoch,
    totalSteps,
    warmupSteps: Math.ceil(totalSteps * options.warmupRatio),
  };
}

/** The position of a step, counted from 0: its epoch, and its index within the epoch. */
export function locateStep(plan: StepPlan, step: number): { epoch: number; position: number } {
  return { epoch: Math.floor(step / plan.stepsPerEpoch), position: step % plan.stepsPerEpoch };
}

/** True if something that is due every `every` steps, or once per epoch, is due after `step` steps. Always due after the last. */
export function isDue(plan: StepPlan, every: number | "epoch", step: number): boolean {
  if (step === 0) return false;
  return step === plan.totalSteps || step % (every === "epoch" ? plan.stepsPerEpoch : every) === 0;
}
