import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** Makes names in a folder durable. Windows opens no folder, and needs none of this. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== "win32") await syncFile(folder);
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
