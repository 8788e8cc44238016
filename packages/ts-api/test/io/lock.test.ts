import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkNotLocked, lockDirectory, withLock } from "../../src/io/index.ts";
import { folder, folderForEach } from "../folder.ts";

folderForEach();

/** A process that locks the file as finetag does, until it is killed. */
async function holder(directory: string) {
  const script = `
    const os = require("node:os");
    const { openSync, writeSync } = require("node:fs");
    const { createRequire } = require("node:module");
    const { tryLock } = createRequire(${JSON.stringify(import.meta.filename)})("fs-native-extensions");
    const fd = openSync(${JSON.stringify(join(directory, ".finetag-lock"))}, "w+");
    if (!tryLock(fd)) process.exit(1);
    const since = new Date().toISOString();
    writeSync(fd, JSON.stringify({ pid: process.pid, host: os.hostname(), since, purpose: "training" }));
    process.stdout.write("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

describe("lockDirectory", () => {
  it("makes the directory, and removes it again if nothing was put into it", async () => {
    const directory = join(folder, "a", "b");
    const lock = await lockDirectory(directory, "training");
    expect(lock.works).toBe(true);
    expect(await readdir(directory)).toEqual([".finetag-lock"]);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    const again = await lockDirectory(directory, "training");
    await writeFile(join(directory, "kept"), "");
    await again.release();
    expect(await readdir(directory)).toEqual(["kept"]);
  });

  it("says which process holds it, and dies with that process", async () => {
    const directory = join(folder, "out");
    await mkdir(directory);
    const child = await holder(directory);
    const held = {
      code: "ERR_FINETAG_IO",
      kind: "input",
      option: "outputDir",
      message: expect.stringMatching(
        new RegExp(
          `^${directory}: process ${child.pid} on this machine is training here since \\d{4}-\\S+Z; wait for it to end, stop it, or use another directory$`,
        ),
      ),
    };
    await expect(lockDirectory(directory, "training")).rejects.toMatchObject(held);
    await expect(checkNotLocked(directory)).rejects.toMatchObject(held);
    await expect(withLock(directory, "saving a model", async () => {})).rejects.toMatchObject(held);
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await readdir(directory)).toEqual([".finetag-lock"]);
    await checkNotLocked(directory);
    await (await lockDirectory(directory, "training")).release();
    await expect(readdir(directory)).resolves.toEqual([]);
  });

  it("is not fooled by what a dead process or a stranger left in the file", async () => {
    await mkdir(join(folder, "out"));
    const path = join(folder, "out", ".finetag-lock");
    for (const left of [
      "",
      "no JSON",
      JSON.stringify({ pid: process.pid, host: hostname(), since: "now" }),
    ]) {
      await writeFile(path, left);
      await (await lockDirectory(join(folder, "out"), "training")).release();
    }
  });

  it("excludes calls of the same process, and saves wait for each other", async () => {
    const directory = join(folder, "out");
    const lock = await lockDirectory(directory, "training");
    await expect(lockDirectory(directory, "training")).rejects.toThrow(
      `process ${process.pid} on this machine`,
    );
    await lock.release();
    let inside = 0;
    const save = async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(directory, "saving a model", save)));
    expect(inside).toBe(0);
  });

  it("is given to one at a time however many want it", { timeout: 60_000 }, async () => {
    const directory = join(folder, "busy");
    let inside = 0;
    let times = 0;
    const take = async () => {
      for (let i = 0; i < 5; i++) {
        await withLock(directory, "saving a model", async () => {
          expect(++inside).toBe(1);
          times++;
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
        });
      }
    };
    await Promise.all([take(), take(), take(), take()]);
    expect(times).toBe(20);
  });
});
