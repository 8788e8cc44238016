import type { TrainingOptions } from "@finetag/core-native";
import { type OptionsUsedBy, optimizerFields } from "../../options/index.ts";
import type { StepPlan } from "../data/index.ts";

/** The configuration of the engine's optimizer. */
export function optimizerOptions(options: OptionsUsedBy<"optimizer">, plan: StepPlan): TrainingOptions {
  return { ...optimizerFields(options), warmupSteps: plan.warmupSteps, totalSteps: plan.totalSteps };
}
