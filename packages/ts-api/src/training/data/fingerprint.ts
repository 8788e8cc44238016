import { z } from "zod";

const count = z.number().int().nonnegative();

export const splitFingerprintSchema = z.object({
  /** The file that the rows came from, or the name of rows that a program gave. */
  path: z.string(),
  bytes: count,
  rows: count,
  tokens: count,
  /** Of token ids, lengths and labels, in order. */
  sha256: z.string(),
});

/** What a split was made of; equal fingerprints mean equal batches. */
export type SplitFingerprint = z.output<typeof splitFingerprintSchema>;
