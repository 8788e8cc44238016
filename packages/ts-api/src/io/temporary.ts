import { createHash, randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

const PATTERN = /^\..+\.finetag-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/;

/** Identifies the machine, since a shared folder may have process ids of several. */
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** A new hidden name next to `path`, on the same file system, that identifies its process. */
export function temporaryPath(path: string): string {
  const suffix = `finetag-${HOST}-${process.pid}-${randomBytes(6).toString("hex")}`;
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${suffix}`);
}

/**
 * Removes the temporary files and folders that a killed process of this machine left in `folder`.
 * Those of a living process, and those of another machine, stay.
 *
 * @returns How many entries were removed.
 */
export async function removeLeftovers(folder: string): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const match = PATTERN.exec(name);
    if (match === null || match[1] !== HOST) continue;
    const path = join(folder, name);
    if (await isOwned(path, Number(match[2]))) continue;
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

/** In a container every run may have the same process id, so our own entries must also be newer than the process. */
async function isOwned(path: string, pid: number): Promise<boolean> {
  if (pid === process.pid) {
    const started = Date.now() - process.uptime() * 1000;
    const entry = await stat(path).catch(() => undefined);
    return entry !== undefined && entry.mtimeMs >= started - 1000;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
