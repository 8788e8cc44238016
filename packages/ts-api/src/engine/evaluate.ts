import { computeMetricsAsync, type SplitMetrics, sigmoid } from "../metrics/index.ts";
import { yieldToEventLoop } from "./event-loop.ts";
import { type ForwardOptions, forwardWindows } from "./forward.ts";
import type { ModelSession } from "./session.ts";
import { BLOCK_ROWS, type Split } from "./store/index.ts";

export interface EvaluateOptions extends Omit<ForwardOptions, "withLabels"> {
  labels: readonly string[];
  /** One threshold for all labels, or one per label. */
  thresholds: number | readonly number[];
}

/**
 * Splits rows into windows of {@link BLOCK_ROWS}, as when a file is evaluated while it is read. So the same rows form the
 * same batches, with the same results to the last bit, in a training run and in `evaluate`.
 */
export function* evaluationWindows({ store, rows }: Split): Generator<Split, void> {
  for (let start = 0; start < rows.length; start += BLOCK_ROWS) {
    yield { store, rows: rows.subarray(start, start + BLOCK_ROWS) };
  }
}

/**
 * Runs labelled windows through the model and computes the metrics of all their rows. The loss is the mean binary
 * cross-entropy over rows and known labels, with graded targets as they are; metrics count a target from 0.5 on. Yields the
 * rows done so far.
 *
 * @throws FinetagError `ERR_FINETAG_ABORTED` within one batch after the signal, `ERR_FINETAG_DIVERGED` for NaN.
 */
export async function* evaluateWindows(
  session: ModelSession,
  windows: AsyncIterable<Split> | Iterable<Split>,
  options: EvaluateOptions,
): AsyncGenerator<number, SplitMetrics> {
  const width = options.labels.length;
  /** Logits `[rows, L]` of each window, in the rows' order. */
  const logits = new Map<Split, Float32Array>();
  let lossSum = 0;
  let lossCount = 0;
  let done = 0;
  for await (const { window, positions, result } of forwardWindows(session, windows, {
    ...options,
    withLabels: true,
  })) {
    let target = logits.get(window);
    if (target === undefined) {
      target = new Float32Array(window.rows.length * width);
      logits.set(window, target);
    }
    for (const [i, position] of positions.entries()) {
      target.set(result.logits.subarray(i * width, (i + 1) * width), position * width);
    }
    lossSum += result.lossSum ?? Number.NaN;
    lossCount += result.lossCount ?? 0;
    done += positions.length;
    yield done;
  }
  const { probabilities, labels } = await join(logits, done, width);
  return computeMetricsAsync(
    {
      probabilities,
      labels,
      names: options.labels,
      thresholds: options.thresholds,
      loss: lossCount === 0 ? null : lossSum / lossCount,
    },
    { signal: options.signal },
  );
}

/** Probabilities computed per turn of the event loop: a few milliseconds. */
const CELLS_PER_TURN = 1 << 18;

/** All windows in one array; each window's logits are released as soon as they are probabilities. */
async function join(logits: Map<Split, Float32Array>, rows: number, width: number) {
  const probabilities = new Float64Array(rows * width);
  const labels = new Uint8Array(rows * width);
  let start = 0;
  for (const [split, part] of logits) {
    logits.delete(split);
    for (let from = 0; from < part.length; from += CELLS_PER_TURN) {
      probabilities.set(sigmoid(part.subarray(from, from + CELLS_PER_TURN)), start + from);
      await yieldToEventLoop();
    }
    split.store.writeLabels(split.rows, labels.subarray(start, start + part.length));
    start += part.length;
  }
  return { probabilities, labels };
}
