import { averagePrecision, coverage, precisionAt, rankingLoss } from "./ranking.ts";
import { ScoreLadder } from "./score-ladder.ts";
import { UNKNOWN } from "./validate.ts";

const CUTOFFS = [1, 3, 5];

/** The k of precision at k that make sense for so many labels. */
export function cutoffs(labelCount: number): number[] {
  return CUTOFFS.filter((k) => k <= labelCount);
}

/**
 * How well each row ranks its labels, averaged over rows: label-ranking average precision, coverage error,
 * ranking loss and precision at k, with scikit-learn's conventions for rows that carry no label or all. A row ranks its known
 * labels only.
 */
export class RowRankings {
  readonly #probabilities: Float64Array;
  readonly #labels: Uint8Array;
  readonly #labelCount: number;
  readonly #ladder: ScoreLadder;
  readonly #cutoffs: number[];
  readonly #precisionSums: Float64Array;
  #rows = 0;
  #lrapSum = 0;
  #coverageSum = 0;
  #lossSum = 0;

  constructor(probabilities: Float64Array, labels: Uint8Array, labelCount: number) {
    this.#probabilities = probabilities;
    this.#labels = labels;
    this.#labelCount = labelCount;
    this.#ladder = new ScoreLadder(labelCount);
    this.#cutoffs = cutoffs(labelCount);
    this.#precisionSums = new Float64Array(this.#cutoffs.length);
  }

  /** @param start index of the row's first entry. */
  addRow(start: number): void {
    const ladder = this.#ladder;
    const end = start + this.#labelCount;
    if (isUnknown(this.#labels, start, end)) return;
    ladder.clear();
    for (let i = start; i < end; i++) if (this.#labels[i] === 1) ladder.addPositive(this.#probabilities[i]!);
    ladder.sort();
    if (ladder.positives > 0)
      for (let i = start; i < end; i++)
        if (this.#labels[i] === 0) ladder.addNegative(this.#probabilities[i]!);

    this.#rows++;
    // A row without labels has nothing to rank, which counts as ranked perfectly.
    this.#lrapSum += averagePrecision(ladder) ?? 1;
    this.#coverageSum += coverage(ladder);
    this.#lossSum += rankingLoss(ladder);
    // With fewer known labels than k, the places beyond them have no hit.
    for (let c = 0; c < this.#cutoffs.length; c++)
      this.#precisionSums[c]! += precisionAt(ladder, this.#cutoffs[c]!);
  }

  result() {
    const mean = (sum: number) => (this.#rows === 0 ? null : sum / this.#rows);
    return {
      lrap: mean(this.#lrapSum),
      coverage_error: mean(this.#coverageSum),
      ranking_loss: mean(this.#lossSum),
      precision_at_k: Object.fromEntries(
        this.#cutoffs.map((k, c): [string, number | null] => [String(k), mean(this.#precisionSums[c]!)]),
      ),
    };
  }
}

/** Whether a row knows none of its labels; it then has no ranking. */
export function isUnknown(labels: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (labels[i] !== UNKNOWN) return false;
  return end > start;
}
