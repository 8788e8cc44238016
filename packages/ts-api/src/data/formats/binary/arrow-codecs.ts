import type * as Flechette from "@uwdata/flechette";

/** Registers what Arrow's buffers may be compressed with: LZ4 frames (pandas' default for Feather) and zstd. */
export async function registerCodecs(flechette: typeof Flechette): Promise<void> {
  const { CompressionType, setCompressionCodec } = flechette;
  const { decompress } = await import("fzstd");
  const encode = () => {
    throw new Error("nothing is written");
  };
  setCompressionCodec(CompressionType.ZSTD, {
    encode,
    decode: (bytes, length) => decompress(bytes, new Uint8Array(length)),
  });
  setCompressionCodec(CompressionType.LZ4_FRAME, { encode, decode: decodeFrame });
}

const FRAME_MAGIC = 0x184d2204;

/** An LZ4 frame (lz4_Frame_format.md): a header, then blocks with their sizes, which refer to the text before them. */
function decodeFrame(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== FRAME_MAGIC) throw new Error("a buffer is no LZ4 frame");
  const flags = bytes[4]!;
  const hasChecksums = (flags & 0x10) !== 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  const out = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const block = bytes.subarray(at, at + (size & 0x7fffffff));
    at += block.length + (hasChecksums ? 4 : 0);
    if (size >= 0x80000000) {
      out.set(block, done);
      done += block.length;
    } else done = decodeBlock(block, out, done);
  }
  if (done < length) throw new Error("an LZ4 frame ends early");
  return out;
}

/** An LZ4 block (lz4_Block_format.md): literals, and copies of what `out` has already. Returns where it ends. */
function decodeBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let from = 0;
  let at = start;
  const longer = (length: number): number => {
    if (length < 15) return length;
    let total = length;
    for (let byte = 255; byte === 255; total += byte) byte = block[from++]!;
    return total;
  };
  while (from < block.length) {
    const token = block[from++]!;
    const literals = longer(token >> 4);
    out.set(block.subarray(from, from + literals), at);
    from += literals;
    at += literals;
    if (from >= block.length) break;
    const distance = block[from]! | (block[from + 1]! << 8);
    from += 2;
    const length = longer(token & 15) + 4;
    if (distance === 0 || distance > at || at + length > out.length)
      throw new Error("an LZ4 block is damaged");
    for (let i = 0; i < length; i++, at++) out[at] = out[at - distance]!;
  }
  return at;
}
