/** Which side of a text is cut off. */
export type TruncationSide = "left" | "right";

/**
 * Cuts an encoded text or pair "longest first": the longer text of a pair loses its end until both are equally long,
 * then both do; of an odd number of places, the longer one gets the last. Special tokens stay.
 *
 * This is what the Rust core does from version 0.23.3 on. Version 0.23.2, the newest on npm, cuts each text of a pair
 * roughly before it compares their lengths, and so may give the last place to the other text.
 *
 * @param sequenceIds By token: 0 or 1 for a token of the first or second text, null for a special one.
 * @returns The indices of the tokens that stay.
 */
export function keptTokens(
  sequenceIds: readonly (number | undefined | null)[],
  maxLength: number,
  side: TruncationSide,
): number[] {
  const lengths = [0, 0];
  for (const sequence of sequenceIds) if (sequence != null) lengths[sequence]!++;
  const [first, second] = lengths as [number, number];
  const room = maxLength - (sequenceIds.length - first - second);
  const kept = longestFirst(first, second, room);
  const seen = [0, 0];
  const indices: number[] = [];
  for (const [i, sequence] of sequenceIds.entries()) {
    if (sequence == null) {
      indices.push(i);
      continue;
    }
    const place = seen[sequence]!++;
    const isKept = side === "right" ? place < kept[sequence]! : place >= lengths[sequence]! - kept[sequence]!;
    if (isKept) indices.push(i);
  }
  return indices;
}

/** How many tokens of each text stay. */
function longestFirst(first: number, second: number, room: number): [number, number] {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second);
  const half = Math.floor(room / 2);
  const [less, more] = shorter <= half ? [shorter, room - shorter] : [half, room - half];
  return first > second ? [more, less] : [less, more];
}
