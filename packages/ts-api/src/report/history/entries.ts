import type { SplitMetrics } from "../../metrics/index.ts";
import type { RunMetrics, TrainEvent } from "../events.ts";

/** Fields of every entry. */
interface Entry {
  /** Time of writing, in ISO 8601. */
  time: string;
  /** Optimizer steps taken so far. */
  step: number;
}

type EventOf<Type extends TrainEvent["type"]> = Extract<TrainEvent, { type: Type }>;
/** The fields of an event that its entry copies. */
type Of<Type extends TrainEvent["type"], Field extends keyof EventOf<Type>> = Entry &
  Pick<EventOf<Type>, "type" | Field>;

/** `SplitMetrics` without warnings, and with `per_label` only for up to {@link PER_LABEL_LIMIT} labels. */
export type HistoryMetrics = Omit<SplitMetrics, "per_label" | "warnings"> &
  Partial<Pick<SplitMetrics, "per_label">>;

/** A line of `history.jsonl`; the first is of type `start` and carries the format's version. */
export type HistoryEntry =
  | ({ version: 1 } & Entry & Omit<EventOf<"start">, "outputDir">)
  | Of<"warning", "message">
  | Of<"step", "epoch" | "loss" | "learningRate" | "gradNorm" | "samplesPerSecond" | "tokensPerSecond">
  | (Of<"evaluation", "split" | "epoch" | "best"> & { metrics: HistoryMetrics })
  | Of<"checkpoint", never>
  | Of<"stop", "reason" | "message">
  /** `train` as in `metrics.json`. */
  | (Of<"end", never> & { train: RunMetrics["train"] });

/** With more labels, evaluations would take up most of the file. */
const PER_LABEL_LIMIT = 100;

/**
 * The entry of an event.
 *
 * @param step The run's step, for events without one.
 * @returns Undefined for events about progress, which are useless afterwards.
 */
export function entryOf(event: TrainEvent, step: number): HistoryEntry | undefined {
  const time = new Date().toISOString();
  switch (event.type) {
    case "start": {
      const { type, outputDir: _outputDir, ...rest } = event;
      return { version: 1, type, time, ...rest };
    }
    case "warning":
      return { type: event.type, time, step, message: event.message };
    case "step": {
      const { type, epoch, loss, learningRate, gradNorm, samplesPerSecond, tokensPerSecond } = event;
      const rates = { samplesPerSecond, tokensPerSecond };
      return { type, time, step: event.step, epoch, loss, learningRate, gradNorm, ...rates };
    }
    case "evaluation": {
      const { type, split, epoch, best } = event;
      return { type, time, step: event.step, split, epoch, best, metrics: metricsOf(event.metrics) };
    }
    case "checkpoint":
      return { type: event.type, time, step: event.step };
    case "stop":
      return { type: event.type, time, step: event.step, reason: event.reason, message: event.message };
    case "end":
      return { type: event.type, time, step: event.step, train: event.metrics.train };
    default:
      return undefined;
  }
}

function metricsOf({ per_label, warnings: _warnings, ...metrics }: SplitMetrics): HistoryMetrics {
  return Object.keys(per_label).length > PER_LABEL_LIMIT ? metrics : { ...metrics, per_label };
}
