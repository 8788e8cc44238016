import {
  BLOCK_ROWS,
  encodeWindow,
  type OpenModel,
  ReadAhead,
  readAhead,
  type Split,
} from "../engine/index.ts";
import type { RowSource } from "../training/index.ts";
import { noRows } from "../training/index.ts";
import { collected } from "./predict.ts";

/**
 * Tokenizes a source in the windows of `evaluationWindows`, as fast as it can be read: tokens take little memory beside
 * the probabilities that come of them, and so the number of rows is soon known.
 *
 * @param onRows told how many rows there are so far
 * @throws FinetagError `ERR_FINETAG_DATA` for a source without rows.
 */
export function labeledWindows(
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
