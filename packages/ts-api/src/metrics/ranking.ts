import type { ScoreLadder } from "./score-ladder.ts";

// Definitions are scikit-learn's (sklearn.metrics._ranking); counts stay integers, so ties cost no precision.

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in the right order, a tie being half right
 * (Hanley & McNeil 1982), which is the trapezoidal area exactly.
 *
 * @returns in [0, 1]; `null` without positives or without negatives.
 */
export function rocAuc(ladder: ScoreLadder): number | null {
  if (ladder.positives === 0 || ladder.negatives === 0) return null;
  let rightPairs = 0;
  let negativesLower = 0;
  for (let k = 0; k < ladder.rungs; k++) {
    negativesLower += ladder.negativesBelow[k]!;
    const tied = ladder.negativesOn[k]!;
    rightPairs += ladder.positivesOn[k]! * (negativesLower + tied / 2);
    negativesLower += tied;
  }
  return rightPairs / (ladder.positives * ladder.negatives);
}

/**
 * Average precision: the mean, over positives, of the precision at a threshold that just admits each
 * (Manning et al., Introduction to Information Retrieval, ch. 8.4); ties are admitted together, nothing is
 * interpolated.
 *
 * @returns in (0, 1]; `null` without positives (scikit-learn warns and returns 0 there).
 */
export function averagePrecision(ladder: ScoreLadder): number | null {
  if (ladder.positives === 0) return null;
  let sum = 0;
  let positives = 0;
  let admitted = 0;
  for (let k = ladder.rungs - 1; k >= 0; k--) {
    const onRung = ladder.positivesOn[k]!;
    positives += onRung;
    admitted += onRung + ladder.negativesOn[k]! + ladder.negativesBelow[k + 1]!;
    sum += (onRung * positives) / admitted;
  }
  return sum / ladder.positives;
}

/**
 * Share of (positive, negative) pairs in the wrong order, a tie being wrong
 * (Tsoumakas, Katakis & Vlahavas 2010, "Mining multi-label data").
 *
 * @returns in [0, 1]; 0 without positives or without negatives.
 */
export function rankingLoss(ladder: ScoreLadder): number {
  if (ladder.positives === 0 || ladder.negatives === 0) return 0;
  let wrongPairs = 0;
  let negativesLower = 0;
  for (let k = 0; k < ladder.rungs; k++) {
    negativesLower += ladder.negativesBelow[k]!;
    wrongPairs += ladder.positivesOn[k]! * (ladder.negatives - negativesLower);
    negativesLower += ladder.negativesOn[k]!;
  }
  return wrongPairs / (ladder.positives * ladder.negatives);
}

/** How far down the ranking one goes to meet every positive, tied negatives included; 0 without positives. */
export function coverage(ladder: ScoreLadder): number {
  if (ladder.positives === 0) return 0;
  return ladder.positives + ladder.negatives - ladder.negativesBelow[0]!;
}

/**
 * Positives among the k highest, over k. Where a tie straddles place k it counts with the mean over all orders of
 * the tied (McSherry & Najork 2008, as scikit-learn's NDCG does), so the order of labels means nothing.
 *
 * @param k at most the number of positives and negatives together.
 */
export function precisionAt(ladder: ScoreLadder, k: number): number {
  let hits = 0;
  let above = 0;
  for (let rung = ladder.rungs - 1; rung >= 0; rung--) {
    above += ladder.negativesBelow[rung + 1]!;
    if (above >= k) break;
    const positives = ladder.positivesOn[rung]!;
    const onRung = positives + ladder.negativesOn[rung]!;
    hits += positives * Math.min(1, (k - above) / onRung);
    above += onRung;
  }
  return hits / k;
}
