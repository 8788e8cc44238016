import { FinetagError } from "../errors/index.ts";
import { permutation, Random } from "./random.ts";

/** A stream that no epoch uses. */
const DEV_SPLIT_STREAM = 2 ** 32 - 1;

export interface DevSplit {
  /** Row indices from 0, ascending. */
  train: Uint32Array;
  /** Row indices from 0, ascending; `round(count * fraction)` of them, at least 1. */
  dev: Uint32Array;
}

/**
 * Holds out part of the rows for evaluation. The dev rows are the first of a Fisher-Yates shuffle by xoshiro128** on a
 * separate stream of the seed: the same count, fraction and seed give the same rows on every machine.
 * @throws {FinetagError} ERR_FINETAG_ARGUMENT for a fraction outside (0, 1); ERR_FINETAG_DATA if no row would be
 *   left to train on.
 */
export function devSplit(count: number, fraction: number, seed: number): DevSplit {
  if (!(fraction > 0 && fraction < 1)) {
    const what = `\`devSplit: ${fraction}\` is not between 0 and 1; try 0.1`;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "devSplit" });
  }
  const size = Math.max(1, Math.round(count * fraction));
  if (size >= count) {
    const what = `\`devSplit: ${fraction}\` leaves none of ${count} rows to train on; give more rows, or a dev file`;
    throw new FinetagError("ERR_FINETAG_DATA", what, { option: "devSplit" });
  }
  const order = permutation(count, new Random(seed, DEV_SPLIT_STREAM));
  return { train: order.slice(size).sort(), dev: order.slice(0, size).sort() };
}
