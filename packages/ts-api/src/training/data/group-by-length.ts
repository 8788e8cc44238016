import { type Random, shuffle } from "../../data/index.ts";
import { longestFirst, type TokenStore, yieldToEventLoop } from "../../engine/index.ts";

/** Steps per window. With fewer than four windows, an epoch would lose its randomness. */
const WINDOW_STEPS = 50;
const LEAST_WINDOWS = 4;

/**
 * Groups rows of similar length, in place: in each window of an epoch's order, the rows are sorted by number of tokens
 * and split into steps, and the steps are shuffled. Windows are those of Hugging Face's `group_by_length`
 * (`LengthGroupedSampler`, transformers 5.18.0); the shuffle is added, because lengths would otherwise decrease from
 * the start of each window to its end.
 *
 * Steps keep their size, and a short last step has the same rows as without grouping. Whole steps are grouped, not their
 * batches, so gradient accumulation does not change a step. The same order and generator give the same result.
 *
 * @param stepRows rows per step: rows per batch times batches per step
 */
export async function groupByLength(
  order: Uint32Array,
  stepRows: number,
  store: TokenStore,
  random: Random,
): Promise<void> {
  const steps = Math.floor(order.length / stepRows);
  const window = Math.max(1, Math.min(Math.floor(steps / LEAST_WINDOWS), WINDOW_STEPS));
  for (let start = 0; start < steps; start += window) {
    const count = Math.min(window, steps - start);
    const rows = order.slice(start * stepRows, (start + count) * stepRows);
    const sorted = longestFirst(store, rows);
    const places = shuffle(
      Uint32Array.from({ length: count }, (_, i) => start + i),
      random,
    );
    for (let i = 0; i < sorted.length; i++) {
      const place = places[Math.floor(i / stepRows)]! * stepRows + (i % stepRows);
      order[place] = rows[sorted[i]!]!;
    }
    await yieldToEventLoop();
  }
}
