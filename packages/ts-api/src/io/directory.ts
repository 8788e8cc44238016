import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ioError, isNotFound } from "./errors.ts";
import { syncFolder, syncTree } from "./sync.ts";
import { temporaryPath } from "./temporary.ts";

/**
 * Writes a folder as a whole: `fill` puts files into a folder next to `dir`, which is synced and then takes the name.
 *
 * Where `dir` does not exist, that is one `rename`. Where it does, POSIX replaces no folder that holds files, so the
 * older one first moves to a fixed name next to it. A crash between these two renames leaves `dir` missing with both
 * whole folders there; {@link recoverDirectory}, which this function also runs first, puts the older one back.
 *
 * @throws ERR_FINETAG_IO with the path and a remedy; the older folder is then untouched.
 */
export async function writeDirectoryAtomic(
  dir: string,
  fill: (tmpDir: string) => Promise<void>,
): Promise<void> {
  const target = resolve(dir);
  const temporary = temporaryPath(target);
  try {
    await recoverDirectory(target);
    await mkdir(temporary);
    await fill(temporary);
    await syncTree(temporary);
    await replace(temporary, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    throw ioError(error, "write", dir);
  }
  await rm(olderName(target), { recursive: true, force: true });
}

/**
 * Repairs what a crash inside {@link writeDirectoryAtomic} left: puts the older folder back where `dir` is missing,
 * else removes it. Call it before reading a folder that was written that way.
 *
 * @returns True when the older folder was put back.
 */
export async function recoverDirectory(dir: string): Promise<boolean> {
  const target = resolve(dir);
  const older = olderName(target);
  try {
    if (!(await exists(older))) return false;
    if (await exists(target)) {
      await rm(older, { recursive: true, force: true });
      return false;
    }
    await rename(older, target);
    await syncFolder(dirname(target));
    return true;
  } catch (error) {
    throw ioError(error, "write", dir);
  }
}

async function replace(temporary: string, target: string): Promise<void> {
  if (!(await exists(target))) {
    await rename(temporary, target);
    return;
  }
  const older = olderName(target);
  await rename(target, older);
  try {
    await rename(temporary, target);
  } catch (error) {
    await rename(older, target);
    throw error;
  }
}

function olderName(target: string): string {
  return join(dirname(target), `.${basename(target)}.finetag-older`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
