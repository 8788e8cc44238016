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

/** Cuts {@link longestFirst} into batches of at most so many texts and tokens; a longer text goes alone. */
export function* batchesByLength(
  store: TokenStore,
  rows: Uint32Array,
  batchSize: number,
  maxTokens: number,
): Generator<Uint32Array> {
  const order = longestFirst(store, rows);
  let start = 0;
  let tokens = 0;
  for (let end = 0; end < order.length; end++) {
    const length = store.length(rows[order[end]!]!);
    if (end > start && (end - start >= batchSize || tokens + length > maxTokens)) {
      yield order.subarray(start, end);
      start = end;
      tokens = 0;
    }
    tokens += length;
  }
  if (start < order.length) yield order.subarray(start);
}
