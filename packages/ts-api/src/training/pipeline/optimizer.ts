import type { TrainingOptions } from "@finetag/core-native";
import type { StepPlan } from "../data/index.ts";
import type { ResolvedFitOptions } from "../options/index.ts";

/** What the engine's optimizer is set up with. */
export function optimizerOptions(options: ResolvedFitOptions, plan: StepPlan): TrainingOptions {
  return {
    learningRate: options.learningRate,
    beta1: options.adamBeta1,
    beta2: options.adamBeta2,
    epsilon: options.adamEpsilon,
    weightDecay: options.weightDecay,
    maxGradNorm: options.maxGradNorm,
    schedule: options.schedule,
    warmupSteps: plan.warmupSteps,
    totalSteps: plan.totalSteps,
  };
}
