import {
  BLOCK_ROWS,
  encodeWindow,
  evaluateWindows,
  type OpenModel,
  ReadAhead,
  readAhead,
  type Split,
} from "../engine/index.ts";
import type { SplitMetrics } from "../metrics/index.ts";
import type { RowSource } from "../training/index.ts";
import { noRows } from "../training/index.ts";
import { collected } from "./inputs.ts";
import type { EvaluateOptions } from "./types.ts";

/**
 * Computes the metrics of a source's rows; see `Classifier.evaluate`.
 */
export async function evaluateSource(
  model: OpenModel,
  source: RowSource,
  options: EvaluateOptions & { maxLength: number; thresholds: readonly number[] },
): Promise<SplitMetrics> {
  const { maxLength, threshold, thresholds, batchSize, signal, onProgress } = options;
  let totalRows = 0;
  const windows = labeledWindows(source, { model, maxLength, signal }, (rows) => {
    totalRows = rows;
  });
  const steps = evaluateWindows(model.session, windows, {
    labels: model.labels,
    thresholds: threshold ?? thresholds,
    device: model.device,
    batchSize,
    signal,
  });
  let step = await steps.next();
  while (!step.done) {
    onProgress?.({ rows: step.value, totalRows });
    step = await steps.next();
  }
  return step.value;
}

/**
 * Tokenizes a source in the windows of `evaluationWindows`, as fast as it can be read: tokens take little memory compared
 * with their probabilities, and this way the number of rows is known early.
 *
 * @param onRows called with the number of rows so far
 * @throws FinetagError `ERR_FINETAG_DATA` for a source without rows.
 */
function labeledWindows(
  source: RowSource,
  { model, maxLength, signal }: { model: OpenModel; maxLength: number; signal: AbortSignal | undefined },
  onRows: (rows: number) => void,
): AsyncGenerator<Split, void> {
  const encoding = {
    tokenizer: model.source.tokenizer,
    maxLength,
    vocabSize: model.native.vocabSize,
    labelCount: model.labels.length,
    signal,
  };
  return readAhead(encoded(), Number.POSITIVE_INFINITY);

  async function* encoded(): AsyncGenerator<Split, void> {
    let total = 0;
    const texts = new ReadAhead(source.rows(signal), BLOCK_ROWS);
    try {
      for await (const window of collected(texts, true)) {
        total += window.length;
        onRows(total);
        yield { store: await encodeWindow(window, encoding), rows: Uint32Array.from(window.keys()) };
      }
    } finally {
      await texts.close();
    }
    if (total === 0) throw noRows(source.name);
  }
}
