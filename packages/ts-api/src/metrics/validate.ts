import { FinetagError } from "../errors/index.ts";
import type { MetricsInput } from "./types.ts";

/** Counts are 32 bits wide. */
const MAX_ENTRIES = 2 ** 32 - 1;

/**
 * Checks everything except the entries.
 *
 * @returns the number of rows, and the thresholds as [L].
 * @throws FinetagError ERR_FINETAG_ARGUMENT, or ERR_FINETAG_DIVERGED for a loss that is not a number.
 */
export function validateShapes(input: MetricsInput): { rows: number; thresholds: Float64Array } {
  const { probabilities, labels, names } = input;
  if (names.length === 0)
    throw argument("there are no labels to compute metrics for; give at least one name");
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw argument(`label ${JSON.stringify(name)} appears twice; label names must be unique`);
    seen.add(name);
  }
  if (probabilities.length % names.length !== 0)
    throw argument(
      `${probabilities.length} probabilities are not a whole number of rows of ${names.length} labels; give [rows, labels]`,
    );
  if (labels.length !== probabilities.length)
    throw argument(`${probabilities.length} probabilities but ${labels.length} labels; give as many of each`);
  if (probabilities.length > MAX_ENTRIES)
    throw argument(`${probabilities.length} probabilities are more than ${MAX_ENTRIES}; evaluate fewer rows`);
  if (typeof input.loss === "number" && !Number.isFinite(input.loss))
    throw new FinetagError(
      "ERR_FINETAG_DIVERGED",
      `the loss of the evaluated rows is ${input.loss}; go back to an older checkpoint, or use a lower \`learningRate\``,
      { option: "learningRate" },
    );
  return {
    rows: probabilities.length / names.length,
    thresholds: validateThresholds(input.thresholds, names),
  };
}

function validateThresholds(thresholds: number | readonly number[], names: readonly string[]): Float64Array {
  if (typeof thresholds !== "number" && thresholds.length !== names.length)
    throw argument(
      `${thresholds.length} thresholds for ${names.length} labels; give one number, or one per label`,
    );
  return Float64Array.from(names, (name, j) => {
    const threshold = typeof thresholds === "number" ? thresholds : thresholds[j]!;
    if (threshold >= 0 && threshold <= 1) return threshold;
    throw argument(`threshold ${threshold} of label ${JSON.stringify(name)} is not between 0 and 1`);
  });
}

/** The entry of a label that is unknown. */
export const UNKNOWN = 2;

/**
 * Checks a row's entries, and counts its positives into `support` and its known entries into `known`.
 *
 * @param start index of the row's first entry.
 * @throws FinetagError ERR_FINETAG_DIVERGED for NaN, ERR_FINETAG_ARGUMENT for any other value out of range.
 */
export function validateRow(
  input: MetricsInput,
  start: number,
  support: Uint32Array,
  known: Uint32Array,
): void {
  const labelCount = support.length;
  for (let j = 0; j < labelCount; j++) {
    const probability = input.probabilities[start + j]!;
    const label = input.labels[start + j]!;
    if (!(probability >= 0 && probability <= 1) || label > UNKNOWN) throw badEntry(input, start, j);
    if (label === UNKNOWN) continue;
    known[j]!++;
    support[j]! += label;
  }
}

function badEntry(input: MetricsInput, start: number, j: number): FinetagError {
  const where = `row ${start / input.names.length + 1}, label ${JSON.stringify(input.names[j])}`;
  const probability = input.probabilities[start + j]!;
  if (Number.isNaN(probability))
    return new FinetagError(
      "ERR_FINETAG_DIVERGED",
      `${where}: the probability is NaN, so the model's weights are broken; go back to an older checkpoint`,
    );
  if (!(probability >= 0 && probability <= 1))
    return argument(
      `${where}: probability ${probability} is not between 0 and 1; give sigmoid(logits), not logits`,
    );
  return argument(`${where}: label value ${input.labels[start + j]} is neither 0, 1 nor 2 (unknown)`);
}

function argument(message: string): FinetagError {
  return new FinetagError("ERR_FINETAG_ARGUMENT", message);
}
