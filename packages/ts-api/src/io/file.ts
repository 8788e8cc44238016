import { access, constants, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ioError } from "./errors.ts";
import {
  checkDescriptor,
  Descriptor,
  type Destination,
  findDestination,
  type OutputHandle,
  openPipe,
} from "./output/index.ts";
import { syncFolder } from "./sync.ts";
import { temporaryPath } from "./temporary.ts";

/** A `write` takes less than 2 GiB on Linux, and occupies a libuv thread until it is done. */
const WRITE_CHUNK_BYTES = 16 * 1024 * 1024;

/** Writes a file, and returns what the caller of {@link withAtomicFile} wants to have. */
type WriteFile<T> = (handle: OutputHandle, path: string) => Promise<T>;

export interface AtomicFileOptions {
  /** Permissions of a new file; an existing file keeps its own. Default: 0o666. */
  newMode?: number;
  /** Ends the wait for the reader of a pipe, with ERR_FINETAG_ABORTED. */
  signal?: AbortSignal | undefined;
}

/**
 * Writes a file atomically: after a crash or with a full disk, there is the older file or the new one, never a part.
 * The data is written to a file next to it and synced, which is then renamed; the folder is synced as well.
 * A link stays a link, and a pipe or device stays what it is: see {@link withAtomicFile}.
 *
 * @throws ERR_FINETAG_IO with the path and a remedy; the older file is then unchanged.
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicFileOptions = {},
): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await withAtomicFile(path, (handle) => writeAll(handle, bytes), options);
}

/**
 * Like {@link writeFileAtomic}, but writes the file piece by piece. What is no regular file is written straight into: a
 * device, a named pipe (once it has a reader), and an open file of this process such as /dev/stdout.
 *
 * @param write Gets the open handle of the file next to `path`; if it throws, that file is removed.
 * @returns What `write` returned.
 */
export async function withAtomicFile<T>(
  path: string,
  write: WriteFile<T>,
  { newMode = 0o666, signal }: AtomicFileOptions = {},
): Promise<T> {
  let access: "write" | "write into" = "write";
  try {
    const destination = await findDestination(path);
    if (destination.kind === "file") {
      return await replaceFile(destination.path, destination.mode ?? newMode, write);
    }
    access = "write into";
    return await writeInto(destination, write, signal);
  } catch (error) {
    throw ioError(error, access, path);
  }
}

/**
 * Checks that a file can be written, before the work whose result it gets: makes, syncs and removes a file next to it.
 *
 * @throws ERR_FINETAG_IO as {@link withAtomicFile}.
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    const destination = await findDestination(path);
    if (destination.kind === "file") await probe(destination.path);
    else if (destination.kind === "descriptor") await checkDescriptor(destination.fd, path);
    else await access(destination.path, constants.W_OK);
  } catch (error) {
    throw ioError(error, "write", path);
  }
}

/**
 * Checks that files can be made in a folder: makes, syncs and removes one.
 *
 * @throws ERR_FINETAG_IO that names the folder.
 */
export async function checkFolderWritable(folder: string): Promise<void> {
  await probe(join(folder, "probe")).catch((error) => Promise.reject(ioError(error, "write", folder)));
}

async function probe(target: string): Promise<void> {
  const temporary = temporaryPath(target);
  try {
    await writeSynced(temporary, 0o600, (handle) => handle.appendFile("finetag can write here\n"));
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

async function replaceFile<T>(target: string, mode: number, write: WriteFile<T>): Promise<T> {
  const temporary = temporaryPath(target);
  try {
    const result = await writeSynced(temporary, mode, write);
    await rename(temporary, target);
    await syncFolder(dirname(target));
    return result;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeSynced<T>(path: string, mode: number, write: WriteFile<T>): Promise<T> {
  const handle = await open(path, "wx", mode);
  try {
    const result = await write(handle, path);
    await handle.sync();
    return result;
  } finally {
    await handle.close();
  }
}

/** There is nothing to replace as a whole, and nothing to sync. */
async function writeInto<T>(
  destination: Exclude<Destination, { kind: "file" }>,
  write: WriteFile<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const { kind, path } = destination;
  if (kind === "descriptor") {
    await checkDescriptor(destination.fd, path);
    return write(new Descriptor(destination.fd, signal), path);
  }
  const handle = kind === "pipe" ? await openPipe(path, signal) : await open(path, constants.O_WRONLY);
  try {
    return await write(new Descriptor(handle.fd, signal), path);
  } finally {
    await handle.close();
  }
}

/** Writes all bytes at the handle's position; a single `write` may take fewer, as a disk fills up. */
export async function writeAll(handle: OutputHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Math.min(WRITE_CHUNK_BYTES, bytes.byteLength - offset);
    offset += (await handle.write(bytes, offset, length)).bytesWritten;
  }
}
