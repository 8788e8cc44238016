import { constants } from "node:fs";
import { type FileHandle, open, readFile, rm, rmdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { ioError, isNotFound } from "./errors.ts";
import { makeFolder } from "./folder.ts";

const require = createRequire(import.meta.url);

const LOCK = ".finetag-lock";

/** What a directory is locked for. A save takes moments and is waited for, a run is not. */
export type LockPurpose = "training" | "saving a model";

/** Others hold a lock for a moment when they look whether it is free. */
const GRACE_MS = 300;
const PATIENCE_MS = 60_000;
const PAUSE_MS = 30;

/** The number of times the directory is made again, if another process removes its own empty one. */
const ATTEMPTS = 5;

/** A locked directory. */
export interface DirectoryLock {
  /** False where the file system has no locks: then nothing is locked. */
  readonly works: boolean;
  /** Unlocks the directory, and removes it and those above it if they were made for the lock and are empty. */
  release(): Promise<void>;
}

/**
 * Makes a directory if it is not there, and locks it against other finetag processes and other calls in this one. The lock is
 * the kernel's, on the open file `.finetag-lock`: it ends with its process, whatever ends that, and is seen from other
 * containers and, where the file system passes it on, from other machines. The file says who holds the lock, for people only.
 *
 * @throws ERR_FINETAG_IO that says who holds the lock, or why there can be none.
 */
export async function lockDirectory(directory: string, purpose: LockPurpose): Promise<DirectoryLock> {
  for (let attempt = 1; ; attempt++) {
    const made: string[] = [];
    try {
      made.push(...(await makeFolder(directory)));
      const { works, release } = await lockExisting(directory, purpose);
      const releaseAndRemove = async () => {
        await release();
        await removeEmpty(made);
      };
      return { works, release: releaseAndRemove };
    } catch (error) {
      if (isNotFound(error) && attempt < ATTEMPTS) continue;
      await removeEmpty(made);
      throw ioError(error, "write", directory);
    }
  }
}

async function removeEmpty(folders: readonly string[]): Promise<void> {
  // Fails, as it should, once something is in it.
  for (const folder of [...folders].reverse()) await rmdir(folder).catch(() => {});
}

async function lockExisting(directory: string, purpose: LockPurpose): Promise<DirectoryLock> {
  const path = join(directory, LOCK);
  const since = performance.now();
  for (;;) {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    try {
      const locked = tryLock(handle);
      // Its holder removes the file when it is done: this may be one that has no name any more.
      if (locked === "unsupported" || (locked === "locked" && (await isStillAt(handle, path)))) {
        await record(handle, purpose);
        return lockOf(handle, path, locked === "locked");
      }
      if (locked === "held") {
        const holder = await readHolder(path);
        const patience = holder.purpose === "saving a model" ? PATIENCE_MS : GRACE_MS;
        if (performance.now() - since > patience) throw heldBy(directory, holder);
      }
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/**
 * Checks that nobody holds the lock of a directory. Writes nothing.
 *
 * @throws ERR_FINETAG_IO that says who holds it.
 */
export async function checkNotLocked(directory: string): Promise<void> {
  const path = join(directory, LOCK);
  const handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return;
  try {
    if (tryLock(handle, true) === "held") throw heldBy(directory, await readHolder(path));
  } finally {
    await handle.close();
  }
}

/** Runs `work` while it holds the lock of a directory. */
export async function withLock<T>(
  directory: string,
  purpose: LockPurpose,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await lockDirectory(directory, purpose);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

function tryLock(handle: FileHandle, shared = false): "locked" | "held" | "unsupported" {
  try {
    // Loads a binary.
    const { tryLock } = require("fs-native-extensions") as {
      /** fcntl's F_OFD_SETLK on Linux, flock on macOS, LockFileEx on Windows. */
      tryLock(fd: number, options: { shared: boolean }): boolean;
    };
    return tryLock(handle.fd, { shared }) ? "locked" : "held";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES" ? "held" : "unsupported";
  }
}

async function isStillAt(handle: FileHandle, path: string): Promise<boolean> {
  const [own, named] = await Promise.all([handle.stat(), stat(path).catch(() => undefined)]);
  return named !== undefined && own.ino === named.ino && own.dev === named.dev;
}

interface Holder {
  pid?: unknown;
  host?: unknown;
  since?: unknown;
  purpose?: unknown;
}

async function record(handle: FileHandle, purpose: LockPurpose): Promise<void> {
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), purpose };
  await handle.truncate();
  await handle.write(`${JSON.stringify(holder)}\n`, 0);
}

async function readHolder(path: string): Promise<Holder> {
  try {
    const holder: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof holder === "object" && holder !== null ? holder : {};
  } catch {
    return {};
  }
}

function heldBy(directory: string, { pid, host, since, purpose }: Holder): FinetagError {
  const doing = purpose === "saving a model" ? "is saving a model here" : "is training here";
  const who =
    typeof pid === "number"
      ? `process ${pid} on ${host === hostname() ? "this machine" : host} ${doing} since ${since}`
      : `another process ${doing}`;
  return new FinetagError(
    "ERR_FINETAG_IO",
    `${directory}: ${who}; wait for it to end, stop it, or use another directory`,
    { kind: "input", option: "outputDir" },
  );
}

function lockOf(handle: FileHandle, path: string, works: boolean): DirectoryLock {
  return {
    works,
    async release() {
      await rm(path, { force: true }).catch(() => {});
      await handle.close();
    },
  };
}
