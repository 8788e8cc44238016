import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { BLOCK_ROWS, TokenStore } from "../../src/engine/store/store.ts";
import { readStore, writeStore } from "../../src/engine/store/store-file.ts";
import { folder, folderForAll } from "../folder.ts";

folderForAll();

let path: string;
beforeAll(async () => {
  path = join(folder, "store");
});

/** A whole block of short rows, and one of three rows with wide ids and token types. */
function filled(): TokenStore {
  const store = new TokenStore(5);
  const cuSeqlens = Int32Array.from({ length: BLOCK_ROWS + 1 }, (_, i) => i * 3);
  const ids = Int32Array.from({ length: BLOCK_ROWS * 3 }, (_, i) => i % 500);
  const labels = Array.from({ length: BLOCK_ROWS }, (_, i) => ({ labels: i % 2 === 0 ? [] : [i % 5] }));
  store.append({ ids, tokenTypes: new Int32Array(ids.length), cuSeqlens, truncated: 0 }, labels);
  const wide = {
    ids: Int32Array.of(70_000, 1, 2, 3),
    tokenTypes: Int32Array.of(0, 1, 0, 1),
    cuSeqlens: Int32Array.of(0, 2, 3, 4),
    truncated: 0,
  };
  store.append(wide, [{ labels: [0, 4] }, { labels: [] }, { labels: [2] }]);
  return store;
}

async function write(store: TokenStore, extra: unknown): Promise<Buffer> {
  const file = await open(path, "w");
  await writeStore(file, store, extra);
  await file.close();
  return readFile(path);
}

async function read() {
  const file = await open(path, "r");
  try {
    return await readStore(file);
  } finally {
    await file.close();
  }
}

describe("a store in a file", () => {
  it("comes back whole, with what was written next to it", async () => {
    const store = filled();
    await write(store, { truncated: 7 });
    const found = await read();
    expect(found!.extra).toEqual({ truncated: 7 });
    expect(found!.store.labelCount).toBe(5);
    expect(found!.store.blocks).toEqual(store.blocks);
    expect([found!.store.rows, found!.store.tokens]).toEqual([store.rows, store.tokens]);
    const rows = [0, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 2];
    expect(found!.store.pack(rows, true)).toEqual(store.pack(rows, true));
  });

  it("may be empty", async () => {
    await write(new TokenStore(2), null);
    expect((await read())!.store.rows).toBe(0);
  });

  it("is refused with any byte changed, missing or added", async () => {
    const whole = await write(filled(), { truncated: 7 });
    for (let at = 0; at < whole.length; at += 97) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 0x20;
      await writeFile(path, changed);
      expect(await read(), `byte ${at}`).toBeUndefined();
    }
    for (const length of [0, 5, 12, 100, whole.length - 33, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      expect(await read(), `${length} bytes`).toBeUndefined();
    }
    await writeFile(path, Buffer.concat([whole, Buffer.of(0)]));
    expect(await read()).toBeUndefined();
    await writeFile(path, whole);
    expect(await read()).toBeDefined();
  });
});
