// Files read through Node from begin to end: into one buffer that is used again, which is what the disk gives; or into
// memory that holds them whole, which is what whoever keeps them can have at most with one thread.

import { open } from "node:fs/promises";
import { seconds, serve, settings } from "./serve.mjs";

const PIECE_BYTES = 8 << 20;
const buffer = new Uint8Array(PIECE_BYTES);

await serve(
  {},
  {
    read: async () => ({ seconds: await seconds(() => readAll(false)) }),
    keep: async () => ({ seconds: await seconds(() => readAll(true)) }),
  },
);

/** Returns what was read, so that nothing of it is free before the end. */
async function readAll(keep) {
  const all = [];
  for (const path of settings.files) all.push(await readFile(path, keep));
  return all;
}

async function readFile(path, keep) {
  const file = await open(path, "r");
  try {
    const into = keep ? new Uint8Array((await file.stat()).size) : buffer;
    for (let at = 0, bytesRead = -1; bytesRead !== 0; at += keep ? bytesRead : 0) {
      ({ bytesRead } = await file.read(into, at, Math.min(PIECE_BYTES, into.byteLength - at)));
    }
    return into;
  } finally {
    await file.close();
  }
}
