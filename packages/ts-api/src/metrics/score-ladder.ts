/**
 * The distinct scores of some positives in ascending order (the rungs), and how many negatives fall on each rung
 * and into each gap between two. Every ranking metric, of a label over its rows, of a row over its labels or of
 * all entries pooled, follows from these counts alone. Only positives are stored and sorted; negatives, which
 * are nearly everything in multi-label data, are only counted. Tied scores share a rung, so no metric depends on
 * the order in which they came.
 *
 * Use: {@link addPositive} all positives, {@link sort}, then {@link addNegative} all negatives; {@link clear} to
 * use the memory again.
 */
export class ScoreLadder {
  /** [rungs] distinct positive scores, ascending (before `sort`: as they came). */
  readonly #scores: Float64Array;
  /** [rungs] */
  readonly positivesOn: Uint32Array;
  /** [rungs] */
  readonly negativesOn: Uint32Array;
  /** [rungs + 1] negatives strictly between rung k - 1 and rung k; the last entry is above all rungs. */
  readonly negativesBelow: Uint32Array;
  rungs = 0;
  positives = 0;
  negatives = 0;

  /** @param capacity the most positives that will be added. */
  constructor(capacity: number) {
    this.#scores = new Float64Array(capacity);
    this.positivesOn = new Uint32Array(capacity);
    this.negativesOn = new Uint32Array(capacity);
    this.negativesBelow = new Uint32Array(capacity + 1);
  }

  addPositive(score: number): void {
    this.#scores[this.positives++] = score;
  }

  /** Makes the rungs. */
  sort(): void {
    const scores = this.#scores;
    sortAscending(scores, this.positives);
    let rungs = 0;
    for (let i = 0; i < this.positives; i++) {
      const score = scores[i]!;
      if (rungs > 0 && scores[rungs - 1] === score) this.positivesOn[rungs - 1]!++;
      else {
        scores[rungs] = score;
        this.positivesOn[rungs++] = 1;
      }
    }
    this.rungs = rungs;
  }

  addNegative(score: number): void {
    const scores = this.#scores;
    let low = 0;
    let high = this.rungs;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (scores[middle]! < score) low = middle + 1;
      else high = middle;
    }
    if (low < this.rungs && scores[low] === score) this.negativesOn[low]!++;
    else this.negativesBelow[low]!++;
    this.negatives++;
  }

  /** Empties the ladder; costs only as much as it held. */
  clear(): void {
    this.negativesOn.fill(0, 0, this.rungs);
    this.negativesBelow.fill(0, 0, this.rungs + 1);
    this.rungs = 0;
    this.positives = 0;
    this.negatives = 0;
  }
}

/** A typed array's own sort costs a view and a call out of JS, too much for the few positives of a row. */
const INSERTION_SORT_MAX = 24;

function sortAscending(scores: Float64Array, length: number): void {
  if (length > INSERTION_SORT_MAX) {
    scores.subarray(0, length).sort();
    return;
  }
  for (let i = 1; i < length; i++) {
    const score = scores[i]!;
    let j = i;
    for (; j > 0 && scores[j - 1]! > score; j--) scores[j] = scores[j - 1]!;
    scores[j] = score;
  }
}
