import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { isSystemError } from "./errors.ts";
import { syncFolder } from "./sync.ts";

/**
 * Makes a folder, and those above it that are missing; one that is there stays as it is. As Node's recursive `mkdir`, which
 * never returns where a file system takes no folders and says that the name does not exist, as /proc does. The names of new
 * folders are durable.
 *
 * @returns The new folders, the outermost first.
 * @throws The system's error, and ERR_FINETAG_IO for such a file system.
 */
export async function makeFolder(path: string, mode?: number): Promise<string[]> {
  const folder = resolve(path);
  const parent = dirname(folder);
  try {
    return await makeOne(folder, mode);
  } catch (error) {
    if (!isMissing(error) || parent === folder) throw error;
    const above = (await isFolder(parent)) ? [] : await makeFolder(parent, mode);
    const made = await makeOne(folder, mode).catch((again) =>
      Promise.reject(isMissing(again) ? noFolders(path, again) : again),
    );
    return [...above, ...made];
  }
}

async function makeOne(folder: string, mode: number | undefined): Promise<string[]> {
  try {
    await mkdir(folder, mode);
  } catch (error) {
    const isThere = !isMissing(error) && (await isFolder(folder));
    if (!isThere) throw error;
    return [];
  }
  await syncFolder(dirname(folder));
  return [folder];
}

function isMissing(error: unknown): error is Error {
  return isSystemError(error) && error.code === "ENOENT";
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

function noFolders(path: string, cause: Error): FinetagError {
  return new FinetagError(
    "ERR_FINETAG_IO",
    `${path}: the file system does not allow a new folder there; use another path`,
    { cause, kind: "input" },
  );
}
