import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ioError } from "./errors.ts";
import { syncFolder } from "./sync.ts";
import { temporaryPath } from "./temporary.ts";

/** A `write` takes less than 2 GiB on Linux, and occupies a libuv thread until it is done. */
const WRITE_CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Writes a file atomically: after a crash or with a full disk, there is the older file or the new one, never a part.
 * The data is written to a file next to it and synced, which is then renamed; the folder is synced as well.
 *
 * @throws ERR_FINETAG_IO with the path and a remedy; the older file is then unchanged.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await withAtomicFile(path, (handle) => writeAll(handle, bytes));
}

/**
 * Like {@link writeFileAtomic}, but writes the file piece by piece.
 *
 * @param write Gets the open handle of the file next to `path`; if it throws, that file is removed.
 * @param newMode Permissions of a new file; an existing file keeps its own.
 * @returns What `write` returned.
 */
export async function withAtomicFile<T>(
  path: string,
  write: (handle: FileHandle, tmpPath: string) => Promise<T>,
  newMode = 0o666,
): Promise<T> {
  let temporary: string | undefined;
  try {
    const target = await realpath(path).catch(() => path); // a link stays one: its file is replaced
    temporary = temporaryPath(target);
    const mode = await stat(target).then(
      (older) => older.mode & 0o777,
      () => newMode,
    );
    const result = await writeSynced(temporary, mode, write);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => {});
    throw ioError(error, "write", path);
  }
}

async function writeSynced<T>(
  path: string,
  mode: number,
  write: (handle: FileHandle, tmpPath: string) => Promise<T>,
): Promise<T> {
  const handle = await open(path, "wx", mode);
  try {
    const result = await write(handle, path);
    await handle.sync();
    return result;
  } finally {
    await handle.close();
  }
}

/** Writes all bytes at the handle's position; a single `write` may take fewer, as a disk fills up. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Math.min(WRITE_CHUNK_BYTES, bytes.byteLength - offset);
    offset += (await handle.write(bytes, offset, length)).bytesWritten;
  }
}
