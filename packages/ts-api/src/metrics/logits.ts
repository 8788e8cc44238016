import { FinetagError } from "../errors/index.ts";

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

/**
 * Mean binary cross-entropy over all entries, in float64:
 * `max(x, 0) - x * y + log(1 + exp(-|x|))`, which overflows for no finite logit.
 *
 * @param logits [N, L] flat.
 * @param labels [N, L] flat, 0 or 1.
 * @returns nats per entry; `null` when there are none.
 * @throws FinetagError ERR_FINETAG_ARGUMENT when the lengths differ.
 */
export function bceWithLogits(logits: Float32Array | Float64Array, labels: Uint8Array): number | null {
  if (logits.length !== labels.length)
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `${logits.length} logits but ${labels.length} labels; give one label for each logit`,
    );
  if (logits.length === 0) return null;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    sum += Math.max(x, 0) - x * labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
  }
  return sum / logits.length;
}
