/** Damage that readers of files have to bear, the same for the same seed. */
import type { Random } from "../src/data/index.ts";

export type Files = Record<string, Uint8Array>;

/** One of the files with some bytes changed, cut, repeated, or put in the place of others. */
export function damage(files: Files, random: Random): Files {
  const names = Object.keys(files);
  const name = names[random.below(names.length)]!;
  return { ...files, [name]: damageBytes(files[name]!, random) };
}

/** Numbers at which readers stumble, in 1 to 8 bytes. */
const EDGES = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
];

export function damageBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const made = Uint8Array.from(bytes);
  const at = random.below(made.length);
  switch (random.below(6)) {
    case 0: // bits
      for (let i = 0; i <= random.below(4); i++) made[random.below(made.length)]! ^= 1 << random.below(8);
      return made;
    case 1: // bytes
      for (let i = 0; i <= random.below(4); i++) made[random.below(made.length)] = random.below(256);
      return made;
    case 2: // a number
      return withNumber(made, at, EDGES[random.below(EDGES.length)]!);
    case 3: // cut
      return made.subarray(0, at);
    case 4: // a piece again
      return Uint8Array.from([...made.subarray(0, at), ...made.subarray(random.below(at + 1))]);
    default: {
      // one piece over another
      const length = Math.min(1 + random.below(32), made.length - at);
      const from = random.below(made.length - length + 1);
      made.copyWithin(at, from, from + length);
      return made;
    }
  }
}

function withNumber(bytes: Uint8Array, at: number, value: bigint): Uint8Array {
  const view = Buffer.alloc(8);
  view.writeBigUInt64LE(value);
  const length = value < 256n ? 1 : value < 65536n ? 2 : value < 2n ** 32n ? 4 : 8;
  bytes.set(view.subarray(0, Math.min(length, bytes.length - at)), at);
  return bytes;
}
