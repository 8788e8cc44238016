import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { FinetagError } from "../errors/index.ts";

/** Opening a pipe would otherwise wait for its writer. Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file to read, and gives its size; the path may be a link.
 *
 * @throws ERR_FINETAG_IO for a pipe or a device, whose bytes may never come or never end; the system's error
 *   where it cannot be opened.
 */
export async function openToRead(path: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(path, FLAGS);
  try {
    const stats = await handle.stat();
    // A folder's own error comes when it is read.
    if (stats.isFile() || stats.isDirectory()) return { handle, size: stats.size };
    throw new FinetagError("ERR_FINETAG_IO", `${path}: it is a pipe or a device, not a file; give a file`, {
      kind: "input",
    });
  } catch (error) {
    await handle.close();
    throw error;
  }
}
