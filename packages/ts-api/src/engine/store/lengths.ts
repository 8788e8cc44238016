import type { TokenStore } from "./store.ts";

/**
 * Positions in `rows`, the row with most tokens first; equal ones in their order. A counting sort:
 * a million rows take milliseconds.
 */
export function longestFirst(store: TokenStore, rows: Uint32Array): Uint32Array {
  let longest = 0;
  for (const row of rows) longest = Math.max(longest, store.length(row));
  const starts = new Uint32Array(longest + 2); // starts[k]: first place of rows with longest - k tokens
  for (const row of rows) starts[longest - store.length(row) + 1]!++;
  for (let k = 1; k < starts.length; k++) starts[k]! += starts[k - 1]!;
  const order = new Uint32Array(rows.length);
  for (let position = 0; position < rows.length; position++) {
    order[starts[longest - store.length(rows[position]!)]!++] = position;
  }
  return order;
}

/**
 * Where the batch ends that begins at `start`: it has at most so many texts and tokens; a longer text goes alone.
 *
 * @param lengthOf tokens of the text at a place
 * @param count of all texts
 */
export function batchEnd(
  lengthOf: (place: number) => number,
  start: number,
  count: number,
  batchSize: number,
  maxTokens: number,
): number {
  let tokens = 0;
  for (let end = start; end < count; end++) {
    tokens += lengthOf(end);
    if (end > start && (end - start >= batchSize || tokens > maxTokens)) return end;
  }
  return count;
}

/** Cuts {@link longestFirst} into batches; see {@link batchEnd}. */
export function* batchesByLength(
  store: TokenStore,
  rows: Uint32Array,
  batchSize: number,
  maxTokens: number,
): Generator<Uint32Array> {
  const order = longestFirst(store, rows);
  const lengthOf = (place: number) => store.length(rows[order[place]!]!);
  for (let start = 0, end = 0; start < order.length; start = end) {
    end = batchEnd(lengthOf, start, order.length, batchSize, maxTokens);
    yield order.subarray(start, end);
  }
}
