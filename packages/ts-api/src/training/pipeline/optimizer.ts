import type { TrainingOptions } from "@finetag/core-native";
import { type OptionsUsedBy, optimizerFields } from "../../options/index.ts";
import type { StepPlan } from "../data/index.ts";

/** What the engine's optimizer is set up with. */
export function optimizerOptions(options: OptionsUsedBy<"optimizer">, plan: StepPlan): TrainingOptions {
  return { ...optimizerFields(options), warmupSteps: plan.warmupSteps, totalSteps: plan.totalSteps };
}
