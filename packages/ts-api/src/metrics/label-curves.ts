import { averagePrecision, rocAuc } from "./ranking.ts";
import { ScoreLadder } from "./score-ladder.ts";

/** ROC and precision-recall curves: one per label over its rows, and one over all entries pooled (micro). */
export class LabelCurves {
  readonly #probabilities: Float64Array;
  readonly #labels: Uint8Array;
  readonly #perLabel: ScoreLadder[];
  readonly #pooled: ScoreLadder;

  /** @param support [L] positives per label; decides the memory: twice 20 bytes per positive. */
  constructor(probabilities: Float64Array, labels: Uint8Array, support: Uint32Array) {
    this.#probabilities = probabilities;
    this.#labels = labels;
    this.#perLabel = Array.from(support, (positives) => new ScoreLadder(positives));
    this.#pooled = new ScoreLadder(support.reduce((sum, positives) => sum + positives, 0));
  }

  /** @param start index of the row's first entry. */
  addPositives(start: number): void {
    for (let j = 0; j < this.#perLabel.length; j++) {
      if (this.#labels[start + j] !== 1) continue;
      const score = this.#probabilities[start + j]!;
      this.#perLabel[j]!.addPositive(score);
      this.#pooled.addPositive(score);
    }
  }

  /** Call this after adding the positives of all rows, and before any negatives. */
  sort(): void {
    for (const ladder of this.#perLabel) ladder.sort();
    this.#pooled.sort();
  }

  /** @param start index of the row's first entry. */
  addNegatives(start: number): void {
    for (let j = 0; j < this.#perLabel.length; j++) {
      if (this.#labels[start + j] !== 0) continue;
      const score = this.#probabilities[start + j]!;
      this.#perLabel[j]!.addNegative(score);
      this.#pooled.addNegative(score);
    }
  }

  /** [L] and the pooled value of each curve's area. */
  result() {
    return {
      rocAuc: this.#perLabel.map(rocAuc),
      rocAucMicro: rocAuc(this.#pooled),
      averagePrecision: this.#perLabel.map(averagePrecision),
      averagePrecisionMicro: averagePrecision(this.#pooled),
    };
  }
}
