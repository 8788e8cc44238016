/**
 * Logistic function in float64, so that close float32 logits stay apart in a ranking.
 *
 * @param logits any shape, flat.
 * @returns probabilities of the same length; -Infinity gives 0, Infinity 1, NaN stays NaN.
 */
export function sigmoid(logits: Float32Array): Float64Array {
  const probabilities = new Float64Array(logits.length);
  // This form loses no digits for negative logits, and where exp overflows its limit, 0, is the right answer.
  for (let i = 0; i < logits.length; i++) probabilities[i] = 1 / (1 + Math.exp(-logits[i]!));
  return probabilities;
}
