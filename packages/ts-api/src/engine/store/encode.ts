import { FinetagError, throwIfAborted } from "../../errors/index.ts";
import type { EncodedTexts, Tokenizer } from "../../tokenizer/index.ts";
import type { RowLabels } from "./labels.ts";
import { BLOCK_ROWS, TokenStore } from "./store.ts";

/** A text on its way into a store. */
export interface EncodableRow extends RowLabels {
  text: string;
  textPair?: string;
}

export interface EncodeOptions {
  tokenizer: Tokenizer;
  maxLength: number;
  /** Rows of the model's embedding table. */
  vocabSize: number;
  labelCount: number;
  signal?: AbortSignal;
}

export interface EncodedStore {
  store: TokenStore;
  /** Texts that were cut to maxLength. */
  truncated: number;
}

/**
 * Tokenizes rows as they come, a block at a time; the next block is read while one is being tokenized.
 * Never more than two blocks of texts are held. Yields the rows done so far.
 *
 * @throws FinetagError `ERR_FINETAG_ABORTED` within a block after the signal.
 */
export async function* encodeRows(
  rows: AsyncIterable<EncodableRow> | Iterable<EncodableRow>,
  options: EncodeOptions,
): AsyncGenerator<number, EncodedStore> {
  const store = new TokenStore(options.labelCount);
  let truncated = 0;
  let block: EncodableRow[] = [];
  let running: Promise<EncodedTexts> | undefined;
  let runningLabels: RowLabels[] = [];

  const finish = async () => {
    if (running === undefined) return;
    const encoded = await running;
    running = undefined;
    store.append(encoded, runningLabels);
    truncated += encoded.truncated;
  };
  const start = () => {
    running = encodeTexts(block, options);
    running.catch(() => {}); // rethrown by finish
    runningLabels = block.map(labelsOf);
    block = [];
  };

  for await (const row of rows) {
    block.push(row);
    if (block.length < BLOCK_ROWS) continue;
    throwIfAborted(options.signal);
    await finish();
    start();
    if (store.rows > 0) yield store.rows;
  }
  throwIfAborted(options.signal);
  await finish();
  if (block.length > 0) start();
  await finish();
  yield store.rows;
  return { store, truncated };
}

/** Tokenizes up to {@link BLOCK_ROWS} rows into a store of their own. */
export async function encodeWindow(rows: EncodableRow[], options: EncodeOptions): Promise<TokenStore> {
  throwIfAborted(options.signal);
  const encoded = await encodeTexts(rows, options);
  const store = new TokenStore(options.labelCount);
  store.append(encoded, rows.map(labelsOf));
  return store;
}

/** Without the text, which the store does not need. */
function labelsOf({ labels, targets, unknown }: EncodableRow): RowLabels {
  return { labels, targets, unknown };
}

/**
 * Tokenizes texts.
 *
 * @throws FinetagError `ERR_FINETAG_MODEL` for an id that the model has no embedding for, and what the tokenizer throws.
 */
export async function encodeTexts(
  rows: readonly Pick<EncodableRow, "text" | "textPair">[],
  { tokenizer, maxLength, vocabSize }: Pick<EncodeOptions, "tokenizer" | "maxLength" | "vocabSize">,
): Promise<EncodedTexts> {
  const pairs = rows.some(({ textPair }) => textPair !== undefined)
    ? rows.map(({ textPair }) => textPair)
    : undefined;
  const encoded = await tokenizer.encode(
    rows.map(({ text }) => text),
    pairs,
    maxLength,
  );
  checkIds(encoded.ids, vocabSize);
  return encoded;
}

function checkIds(ids: Int32Array, vocabSize: number): void {
  for (const id of ids) {
    if (id >= 0 && id < vocabSize) continue;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `the tokenizer produced id ${id}, but the model's vocab_size is ${vocabSize}; use the tokenizer files that belong to these weights`,
    );
  }
}
