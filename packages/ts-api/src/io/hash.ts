import { createHash, type Hash } from "node:crypto";
import { throwIfAborted } from "../errors/index.ts";
import { ioError } from "./errors.ts";
import { openToRead } from "./open.ts";

/** Hashing one keeps the event loop for a millisecond. */
const PIECE_BYTES = 1 << 20;

/**
 * Feeds a file to a hash, a piece at a time through one buffer: a stream makes new ones, which pile up until the next
 * garbage collection.
 *
 * @throws As `openToRead`; the system's error; ERR_FINETAG_ABORTED.
 */
export async function hashFile(hash: Hash, path: string, signal?: AbortSignal): Promise<Hash> {
  const { handle } = await openToRead(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
    for (;;) {
      throwIfAborted(signal, path);
      const { bytesRead } = await handle.read(buffer, 0, PIECE_BYTES);
      if (bytesRead === 0) return hash;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

/**
 * SHA-256 of a file in hex.
 *
 * @throws FinetagError `ERR_FINETAG_IO`; the signal's own reason once it is aborted.
 */
export async function sha256File(path: string, signal?: AbortSignal): Promise<string> {
  try {
    return (await hashFile(createHash("sha256"), path, signal)).digest("hex");
  } catch (error) {
    throw ioError(error, "read", path);
  }
}
