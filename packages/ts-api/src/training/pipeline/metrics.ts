import type { SplitMetrics } from "../../metrics/index.ts";
import type { RunMetrics } from "../../report/index.ts";
import type { StepPlan } from "../data/index.ts";
import type { Progress } from "../storage/index.ts";

/** The contents of `metrics.json`; `test` are metrics of the best model. */
export function runMetrics(state: Progress, plan: StepPlan, test: SplitMetrics | undefined): RunMetrics {
  const { sums, best } = state;
  return {
    train: {
      rows: plan.rows,
      epochs: state.step / plan.stepsPerEpoch,
      steps: state.step,
      loss: sums.epochLoss / sums.epochRows,
      samples_per_second: sums.rows / sums.trainSeconds,
      tokens_per_second: sums.tokens / sums.trainSeconds,
      seconds: sums.trainSeconds,
      total_seconds: sums.totalSeconds,
      peak_rss_mb: Math.max(sums.peakRssMb, process.resourceUsage().maxRSS / 1024),
      best_step: best!.step,
      best_metric: best!.metric,
      best_value: best!.value,
    },
    ...(best!.dev === null ? {} : { dev: best!.dev }),
    ...(test === undefined ? {} : { test }),
  };
}
