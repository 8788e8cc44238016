import { z } from "zod";

const count = z.number().int().nonnegative();

export const splitFingerprintSchema = z.object({
  /** The file of the rows, or the name of rows given by a program. */
  path: z.string(),
  bytes: count,
  rows: count,
  tokens: count,
  /** SHA-256 of token ids, lengths and labels, in order. */
  sha256: z.string(),
});

/** Identifies the data of a split; equal fingerprints mean equal batches. */
export type SplitFingerprint = z.output<typeof splitFingerprintSchema>;
