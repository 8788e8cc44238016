import { UNKNOWN } from "./validate.ts";

/** tf.metrics.auc's default `num_thresholds`. */
const THRESHOLD_COUNT = 200;
/** Keeps the first threshold below every probability, and the last one above (`kepsilon`). */
const EDGE = 1e-7;
/** Keeps the rates' denominators off zero (`epsilon`). */
const EPSILON = 1e-6;

/** [200] ascending; float32, because TensorFlow compares float32 probabilities with a float32 constant. */
const THRESHOLDS = Float32Array.from({ length: THRESHOLD_COUNT }, (_, i) => {
  if (i === 0) return -EDGE;
  return i === THRESHOLD_COUNT - 1 ? 1 + EDGE : i / (THRESHOLD_COUNT - 1);
});

/**
 * The old tool's ROC AUC of each label: TensorFlow 1's `tf.metrics.auc(labels, predictions)` with its defaults
 * (tensorflow/python/ops/metrics_impl.py, `auc`): a trapezoidal area over 200 evenly spaced thresholds, blind to
 * the order of scores that lie between the same two. Which side of a threshold a probability is on is decided in
 * float32, as there; the sums are float64, so values differ from TensorFlow's by its float32 rounding only.
 *
 * A label without positives or without negatives gives `null`; TensorFlow shows 1 for the former and 0 for the
 * latter.
 */
export class TfAuc {
  readonly #probabilities: Float64Array;
  readonly #labels: Uint8Array;
  readonly #labelCount: number;
  /** [L, 201] rows whose probability is above exactly so many thresholds. */
  readonly #positives: Uint32Array;
  readonly #negatives: Uint32Array;

  constructor(probabilities: Float64Array, labels: Uint8Array, labelCount: number) {
    this.#probabilities = probabilities;
    this.#labels = labels;
    this.#labelCount = labelCount;
    this.#positives = new Uint32Array(labelCount * (THRESHOLD_COUNT + 1));
    this.#negatives = new Uint32Array(labelCount * (THRESHOLD_COUNT + 1));
  }

  /** @param start index of the row's first entry. */
  addRow(start: number): void {
    for (let j = 0; j < this.#labelCount; j++) {
      if (this.#labels[start + j] === UNKNOWN) continue;
      const counts = this.#labels[start + j] === 0 ? this.#negatives : this.#positives;
      counts[j * (THRESHOLD_COUNT + 1) + thresholdsBelow(this.#probabilities[start + j]!)]!++;
    }
  }

  /** [L] */
  result(): (number | null)[] {
    return Array.from({ length: this.#labelCount }, (_, j) => {
      const first = j * (THRESHOLD_COUNT + 1);
      const last = first + THRESHOLD_COUNT + 1;
      return tfAuc(this.#positives.subarray(first, last), this.#negatives.subarray(first, last));
    });
  }
}

function thresholdsBelow(probability: number): number {
  const score = Math.fround(probability);
  let count = Math.floor(score * (THRESHOLD_COUNT - 1));
  while (count < THRESHOLD_COUNT && THRESHOLDS[count]! < score) count++;
  while (count > 0 && THRESHOLDS[count - 1]! >= score) count--;
  return count;
}

/** @param positives,negatives [201] */
function tfAuc(positives: Uint32Array, negatives: Uint32Array): number | null {
  const allPositives = positives.reduce((sum, count) => sum + count, 0);
  const allNegatives = negatives.reduce((sum, count) => sum + count, 0);
  if (allPositives === 0 || allNegatives === 0) return null;
  const truePositiveRate = (count: number) => (count + EPSILON) / (allPositives + EPSILON);
  const falsePositiveRate = (count: number) => count / (allNegatives + EPSILON);
  let area = 0;
  let hits = 0;
  let falseAlarms = 0;
  let tpr = truePositiveRate(0);
  let fpr = falsePositiveRate(0);
  // From the highest threshold, above which nothing lies, down to the lowest.
  for (let above = THRESHOLD_COUNT; above > 0; above--) {
    hits += positives[above]!;
    falseAlarms += negatives[above]!;
    const nextTpr = truePositiveRate(hits);
    const nextFpr = falsePositiveRate(falseAlarms);
    area += ((nextFpr - fpr) * (nextTpr + tpr)) / 2;
    tpr = nextTpr;
    fpr = nextFpr;
  }
  return area;
}
