// Files read through Node from begin to end: into one buffer that is used again, which is what the disk gives; or into
// memory that holds them whole, which is what whoever keeps them can have at most with one thread.

import { open } from "node:fs/promises";
import { seconds, serve, settings } from "./serve.mjs";

const buffer = new Uint8Array(8 << 20);

await serve(
  {},
  {
    read: async () => ({ seconds: await seconds(() => each(readThrough)) }),
    keep: async () => {
      const kept = [];
      return { seconds: await seconds(() => each(async (path) => kept.push(await readWhole(path)))) };
    },
  },
);

async function each(work) {
  for (const path of settings.files) await work(path);
}

async function readThrough(path) {
  const file = await open(path, "r");
  try {
    while ((await file.read(buffer, 0, buffer.byteLength)).bytesRead > 0);
  } finally {
    await file.close();
  }
}

async function readWhole(path) {
  const file = await open(path, "r");
  try {
    const whole = new Uint8Array((await file.stat()).size);
    for (let at = 0; at < whole.byteLength; ) {
      at += (await file.read(whole, at, Math.min(buffer.byteLength, whole.byteLength - at), at)).bytesRead;
    }
    return whole;
  } finally {
    await file.close();
  }
}
