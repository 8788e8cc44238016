import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isSystemError } from "./errors.ts";

/** Of file systems that sync no folders (some of FUSE and SMB), and of a folder that may be written but not read. */
const NOT_SYNCED: ReadonlySet<string> = new Set(["EINVAL", "ENOTSUP", "ENOSYS", "EBADF", "EACCES", "EPERM"]);

/** Makes names in a folder durable, where that is possible. Windows opens no folder, and needs none of this. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  await syncFile(folder).catch((error) => {
    if (!isSystemError(error) || !NOT_SYNCED.has(error.code)) throw error;
  });
}

/** Makes a file's contents durable, whoever wrote them. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes everything below `folder`, and its names, durable. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await syncTree(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFolder(folder);
}
