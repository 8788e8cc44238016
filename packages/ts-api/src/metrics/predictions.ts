import { UNKNOWN } from "./validate.ts";

/** Precision, recall and F1 of one label, one row or one average. */
interface Scores {
  precision: number;
  recall: number;
  f1: number;
}

/**
 * Metrics of the decision `probability > threshold`: precision, recall and F1 in four averages, the Jaccard index of
 * rows, subset accuracy and Hamming loss. Where nothing was predicted the precision is 0, where nothing was to be found
 * the recall is 0, and with neither F1 and Jaccard index are 0 (scikit-learn's `zero_division=0`). Unknown
 * labels, and rows that know none, do not count.
 */
export class Predictions {
  readonly #probabilities: Float64Array;
  readonly #labels: Uint8Array;
  readonly #thresholds: Float64Array;
  /** [L] */
  readonly #hits: Uint32Array;
  readonly #predicted: Uint32Array;
  readonly #support: Uint32Array;
  readonly #known: Uint32Array;
  readonly #samples: Scores = { precision: 0, recall: 0, f1: 0 };
  /** Known entries. */
  #entries = 0;
  #jaccard = 0;
  #rows = 0;
  #exactRows = 0;

  /** @param support,known [L] positives of each label, and rows that know it. */
  constructor(
    probabilities: Float64Array,
    labels: Uint8Array,
    thresholds: Float64Array,
    support: Uint32Array,
    known: Uint32Array,
  ) {
    this.#probabilities = probabilities;
    this.#labels = labels;
    this.#thresholds = thresholds;
    this.#support = support;
    this.#known = known;
    this.#hits = new Uint32Array(thresholds.length);
    this.#predicted = new Uint32Array(thresholds.length);
  }

  /** @param start index of the row's first entry. */
  addRow(start: number): void {
    let hits = 0;
    let predicted = 0;
    let support = 0;
    let known = 0;
    for (let j = 0; j < this.#thresholds.length; j++) {
      const label = this.#labels[start + j]!;
      if (label === UNKNOWN) continue;
      known++;
      support += label;
      if (this.#probabilities[start + j]! > this.#thresholds[j]!) {
        predicted++;
        hits += label;
        this.#predicted[j]!++;
        this.#hits[j]! += label;
      }
    }
    if (known === 0) return;
    this.#entries += known;
    this.#rows++;
    if (hits === predicted && hits === support) this.#exactRows++;
    this.#samples.precision += ratio(hits, predicted);
    this.#samples.recall += ratio(hits, support);
    this.#samples.f1 += ratio(2 * hits, predicted + support);
    this.#jaccard += ratio(hits, predicted + support - hits);
  }

  /** Everything `null` when there was no row. */
  result() {
    const labelCount = this.#thresholds.length;
    const perLabel = Array.from({ length: labelCount }, (_, j) =>
      scores(this.#hits[j]!, this.#predicted[j]!, this.#support[j]!),
    );
    const hits = total(this.#hits);
    const predicted = total(this.#predicted);
    const support = total(this.#support);
    const isKnown = (j: number) => Number(this.#known[j]! > 0);
    const macro = weightedMean(perLabel, isKnown);
    return {
      perLabel: perLabel.map((one, j) => (isKnown(j) ? one : UNDEFINED)),
      micro: this.#orNull(scores(hits, predicted, support)),
      macro: this.#orNull(macro),
      // Without any positive there are no weights; every term is 0 then, and so is the mean.
      weighted: this.#orNull(support === 0 ? macro : weightedMean(perLabel, (j) => this.#support[j]!)),
      samples: this.#orNull({
        precision: this.#samples.precision / this.#rows,
        recall: this.#samples.recall / this.#rows,
        f1: this.#samples.f1 / this.#rows,
      }),
      samplesJaccard: this.#rows === 0 ? null : this.#jaccard / this.#rows,
      subsetAccuracy: this.#rows === 0 ? null : this.#exactRows / this.#rows,
      hammingLoss: this.#rows === 0 ? null : (predicted + support - 2 * hits) / this.#entries,
    };
  }

  #orNull(value: Scores): Scores | typeof UNDEFINED {
    return this.#rows === 0 ? UNDEFINED : value;
  }
}

const UNDEFINED = { precision: null, recall: null, f1: null };

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function scores(hits: number, predicted: number, support: number): Scores {
  return {
    precision: ratio(hits, predicted),
    recall: ratio(hits, support),
    f1: ratio(2 * hits, predicted + support),
  };
}

function weightedMean(values: Scores[], weight: (index: number) => number): Scores {
  const sum: Scores = { precision: 0, recall: 0, f1: 0 };
  let weights = 0;
  for (const [j, value] of values.entries()) {
    weights += weight(j);
    sum.precision += weight(j) * value.precision;
    sum.recall += weight(j) * value.recall;
    sum.f1 += weight(j) * value.f1;
  }
  return { precision: sum.precision / weights, recall: sum.recall / weights, f1: sum.f1 / weights };
}

function total(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
