/*
 * A precompiled charsmap, SentencePiece's table of character rules:
 *   uint32   bytes of the trie
 *   uint32…  the trie, a double array of Darts-clone
 *   the rest the replacements, each ended by a NUL; a value of the trie is where one starts
 */

/**
 * Looks at all that the Rust core may look at when it normalizes a text with the charsmap; the core itself does not
 * check, and an index outside would end the process.
 *
 * @returns What is wrong; undefined for a charsmap that is right.
 */
export function charsmapFault(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return "shorter than its header";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0, true);
  if (size === 0 || size % 4 !== 0 || size > bytes.length - 4) return "its trie is cut off";
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + size);
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(replacements);
  } catch {
    return "its replacements are not UTF-8";
  }
  return trieFault(units, replacements);
}

/**
 * What the charsmap makes of a text as a whole; undefined where it has no such rule.
 *
 * @param bytes Without a fault (see {@link charsmapFault}).
 */
export function replacementOf(bytes: Uint8Array, text: string): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(0, true);
  const unitAt = (at: number) => (at < size / 4 ? view.getUint32(4 + 4 * at, true) : 0);
  let at = 0;
  for (const byte of Buffer.from(text)) {
    at ^= offsetOf(unitAt(at)) ^ byte;
    if ((unitAt(at) & 0x800000ff) >>> 0 !== byte) return undefined;
  }
  if (!hasLeaf(unitAt(at))) return undefined;
  const replacements = bytes.subarray(4 + size);
  const start = unitAt(at ^ offsetOf(unitAt(at))) & 0x7fffffff;
  const end = replacements.indexOf(0, start);
  return Buffer.from(replacements.subarray(start, end === -1 ? undefined : end)).toString("utf8");
}

/** Goes wherever any text could lead, once. */
function trieFault(units: Uint32Array, replacements: Uint8Array): string | undefined {
  const seen = new Uint8Array(units.length);
  const nodes = [offsetOf(units[0]!)];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    for (let label = 1; label < 256; label++) {
      const at = node ^ label;
      if (at >= units.length) return "its trie points outside";
      const unit = units[at]!;
      if ((unit & 0x800000ff) >>> 0 !== label || seen[at] === 1) continue;
      seen[at] = 1;
      const child = at ^ offsetOf(unit);
      if (hasLeaf(unit)) {
        if (child >= units.length) return "its trie points outside";
        if (!startsReplacement(replacements, units[child]! & 0x7fffffff)) return "a rule points outside";
      }
      nodes.push(child);
    }
  }
  return undefined;
}

function hasLeaf(unit: number): boolean {
  return ((unit >>> 8) & 1) === 1;
}

function offsetOf(unit: number): number {
  return ((unit >>> 10) << ((unit & 0x200) >>> 6)) >>> 0;
}

/** Within the replacements and not in the middle of a character. */
function startsReplacement(replacements: Uint8Array, at: number): boolean {
  return at <= replacements.length && (at === replacements.length || (replacements[at]! & 0xc0) !== 0x80);
}
