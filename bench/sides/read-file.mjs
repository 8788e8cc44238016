// A file read through Node from its begin to its end, into one buffer that is used again: what the disk gives.

import { open } from "node:fs/promises";
import { seconds, serve, settings } from "./serve.mjs";

const buffer = new Uint8Array(8 << 20);

await serve(
  {},
  {
    read: async () => {
      const took = await seconds(async () => {
        for (const path of settings.files) await readThrough(path);
      });
      return { seconds: took };
    },
  },
);

async function readThrough(path) {
  const file = await open(path, "r");
  try {
    while ((await file.read(buffer, 0, buffer.byteLength)).bytesRead > 0);
  } finally {
    await file.close();
  }
}
