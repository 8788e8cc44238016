import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { throwIfAborted } from "../../../errors/index.ts";
import { ioError, isNotFound } from "../../../io/index.ts";
import { dataError, didYouMean } from "../../errors.ts";

/** Small enough that parsing one never holds up the event loop for long. */
const CHUNK_BYTES = 64 * 1024;

/** One line about a file that cannot be read; a path that leads nowhere is a mistake of the data's, the rest is IO. */
export async function fileError(path: string, cause: unknown): Promise<unknown> {
  if (!isNotFound(cause)) return ioError(cause, "read", path);
  const siblings = await readdir(dirname(path)).catch(() => []);
  return dataError(path, undefined, `no such file${didYouMean(basename(path), siblings)}`);
}

async function orFileError<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw await fileError(path, cause);
  }
}

/**
 * Refuses what cannot be read again and again from the start.
 * @throws {FinetagError} ERR_FINETAG_DATA for a missing file, a directory, a pipe or an empty file.
 */
export async function checkFile(path: string): Promise<void> {
  const stats = await orFileError(path, stat(path));
  if (stats.isDirectory()) throw dataError(path, undefined, "is a directory, not a file");
  // Opening a pipe would wait for its writer; and a file is read more than once.
  if (!stats.isFile())
    throw dataError(path, undefined, "is not a regular file; save the data to a file first");
  if (stats.size === 0) throw dataError(path, undefined, "is empty");
}

/**
 * Streams a file's bytes, or those of `[begin, end)`. One chunk is in memory at a time: the next is read when the consumer
 * asks for it.
 * @throws {FinetagError} ERR_FINETAG_DATA, ERR_FINETAG_IO, ERR_FINETAG_ABORTED.
 */
export async function* readBytes(
  path: string,
  signal?: AbortSignal,
  { begin = 0, end = Number.POSITIVE_INFINITY } = {},
): AsyncGenerator<Buffer, void, undefined> {
  await checkFile(path);
  const handle = await orFileError(path, open(path, "r"));
  try {
    for (let at = begin; at < end; ) {
      throwIfAborted(signal, path);
      const block = Buffer.allocUnsafe(CHUNK_BYTES);
      const length = Math.min(CHUNK_BYTES, end - at);
      const { bytesRead } = await orFileError(path, handle.read(block, 0, length, at));
      if (bytesRead === 0) return;
      yield block.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
