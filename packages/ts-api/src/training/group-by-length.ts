import { type Random, shuffle } from "../data/index.ts";
import { longestFirst, type TokenStore, yieldToEventLoop } from "../engine/index.ts";

/** Batches of a window. With fewer windows than four an epoch would lose its randomness. */
const WINDOW_BATCHES = 50;
const LEAST_WINDOWS = 4;

/**
 * Brings rows of about one length together, in place: in each window of an epoch's order the rows are sorted by their
 * tokens and cut into batches, and the batches are shuffled. Windows are those of Hugging Face's `group_by_length`
 * (`get_length_grouped_indices`, transformers 5.18.0); the shuffle is added, lest the lengths fall from the begin of
 * each window to its end.
 *
 * Batches keep their size, and the rows of a short last batch are those it has without grouping, so the steps of an
 * epoch are the same in number and size. The same order and generator give the same result.
 */
export async function groupByLength(
  order: Uint32Array,
  batchSize: number,
  store: TokenStore,
  random: Random,
): Promise<void> {
  const batches = Math.floor(order.length / batchSize);
  const window = Math.max(1, Math.min(Math.floor(batches / LEAST_WINDOWS), WINDOW_BATCHES));
  for (let start = 0; start < batches; start += window) {
    const count = Math.min(window, batches - start);
    const rows = order.slice(start * batchSize, (start + count) * batchSize);
    const sorted = longestFirst(store, rows);
    const places = shuffle(
      Uint32Array.from({ length: count }, (_, i) => start + i),
      random,
    );
    for (let i = 0; i < sorted.length; i++) {
      const place = places[Math.floor(i / batchSize)]! * batchSize + (i % batchSize);
      order[place] = rows[sorted[i]!]!;
    }
    await yieldToEventLoop();
  }
}
