import { readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Partial files that this process is writing to now. */
const active = new Set<string>();
let counter = 0;

/**
 * A download writes to `<path>.<pid>-<n>.incomplete`, so that two downloads never write to the same file. If there is an
 * abandoned partial file, the download continues it. Release it when done, kept or not.
 */
export async function claimPartial(path: string): Promise<{ path: string; release: () => void }> {
  const directory = dirname(path);
  const mine = `${path}.${process.pid}-${counter++}.incomplete`;
  active.add(mine);
  const pattern = new RegExp(`^${escapeRegExp(basename(path))}\\.(\\d+)-\\d+\\.incomplete$`);
  for (const name of await readdir(directory)) {
    const owner = pattern.exec(name)?.[1];
    const found = join(directory, name);
    if (owner === undefined || active.has(found) || isAliveElsewhere(Number(owner))) continue;
    // Another process may claim it first; then it is gone and the download starts afresh.
    await rename(found, mine).catch(() => undefined);
  }
  return { path: mine, release: () => active.delete(mine) };
}

function isAliveElsewhere(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
