/** The length of `chunk` without an unfinished UTF-8 sequence at its end. */
export function wholeCharacters(chunk: Buffer): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? chunk.length - back : chunk.length;
    }
  }
  return chunk.length;
}

/**
 * How many sequences the bytes have that look like UTF-8, also those of half of a surrogate pair, and how many bytes that
 * belong to none. ASCII does not count.
 */
export function countSequences(bytes: Buffer): { valid: number; invalid: number } {
  const isContinuation = (i: number) => i < bytes.length && (bytes[i]! & 0xc0) === 0x80;
  let valid = 0;
  let invalid = 0;
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const length = lead < 0xc2 || lead > 0xf4 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    let end = i + 1;
    while (end < i + length && isContinuation(end)) end++;
    if (length > 0 && end === i + length) {
      valid++;
      i = end;
    } else {
      invalid++;
      i++;
    }
  }
  return { valid, invalid };
}
