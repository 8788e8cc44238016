import { computeMetricsAsync, type SplitMetrics, sigmoid } from "../metrics/index.ts";
import { forwardRows } from "./forward.ts";
import type { ModelSession } from "./session.ts";
import type { TokenStore } from "./store.ts";

/** Rows of a store that belong together: a file, or what a split left of it. */
export interface Split {
  store: TokenStore;
  rows: Uint32Array;
}

export interface EvaluateOptions {
  labels: readonly string[];
  /** One for all labels, or one for each. */
  thresholds: number | readonly number[];
  batchSize: number;
  signal?: AbortSignal;
}

/**
 * Runs a split through the model and computes its metrics. The loss is the mean binary cross-entropy over rows
 * and labels. Yields the rows done so far.
 *
 * @throws FinetagError `ERR_FINETAG_ABORTED` within a batch after the signal, `ERR_FINETAG_DIVERGED` for NaN.
 */
export async function* evaluateSplit(
  session: ModelSession,
  split: Split,
  options: EvaluateOptions,
): AsyncGenerator<number, SplitMetrics> {
  const { store, rows } = split;
  const width = store.labelCount;
  const probabilities = new Float64Array(rows.length * width);
  const labels = new Uint8Array(rows.length * width);
  let lossSum = 0;
  let lossCount = 0;
  let done = 0;
  for await (const { positions, result } of forwardRows(session, store, rows, {
    ...options,
    withLabels: true,
  })) {
    const part = sigmoid(result.logits);
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i]!;
      probabilities.set(part.subarray(i * width, (i + 1) * width), position * width);
      const row = labels.subarray(position * width, (position + 1) * width);
      store.writeLabels([rows[position]!], row);
    }
    lossSum += result.lossSum ?? Number.NaN;
    lossCount += result.lossCount ?? 0;
    done += positions.length;
    yield done;
  }
  return computeMetricsAsync(
    {
      probabilities,
      labels,
      names: options.labels,
      thresholds: options.thresholds,
      loss: lossSum / lossCount,
    },
    { signal: options.signal },
  );
}
