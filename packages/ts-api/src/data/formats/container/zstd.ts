import { Decompress } from "fzstd";
import { dataError } from "../../errors.ts";
import { readBytes } from "./file.ts";

/** Bytes that are decompressed at a time: few, as a block of 4 bytes may hold 128 KiB. */
const SLICE_BYTES = 4096;

/** Streams what a zstd file holds, all of its frames. */
export async function* unzstd(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  let ready: Buffer[] = [];
  const decompress = new Decompress((chunk) => {
    if (chunk.length > 0) ready.push(Buffer.from(chunk)); // a copy: the window is used again
  });
  const push = (bytes: Uint8Array, last: boolean) => {
    try {
      decompress.push(bytes, last);
    } catch {
      const why = last
        ? "is cut off: its zstd data ends early"
        : "is damaged: its zstd data cannot be decompressed";
      throw dataError(path, undefined, `${why}; copy or download it again`);
    }
  };
  for await (const chunk of readBytes(path, signal)) {
    for (let from = 0; from < chunk.length; from += SLICE_BYTES) {
      push(chunk.subarray(from, from + SLICE_BYTES), false);
      const chunks = ready;
      ready = [];
      yield* chunks;
    }
  }
  push(new Uint8Array(0), true);
  yield* ready;
}
