import { distance } from "fastest-levenshtein";

/**
 * The candidate closest to a mistyped name, ignoring case; undefined if none is close. Up to a third of the letters may
 * differ, or two.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.trim().toLowerCase();
  const { length } = wanted;
  const limit = Math.min(Math.max(length < 4 ? 1 : 2, Math.floor(length / 3)), length - 1);
  let best: string | undefined;
  let bestEdits = limit + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - length) >= bestEdits) continue;
    const edits = distance(wanted, candidate.toLowerCase());
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}
