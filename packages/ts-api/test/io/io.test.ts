import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  hashFile,
  makeFolder,
  readSmallFile,
  recoverDirectory,
  removeLeftovers,
  withAtomicFile,
  writeAll,
  writeDirectoryAtomic,
  writeFileAtomic,
} from "../../src/io/index.ts";
import { temporaryPath } from "../../src/io/temporary.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder, folderForEach } from "../folder.ts";
import { smallDisk, withFileSizeLimit } from "./full-disk.ts";

folderForEach();

describe.skipIf(process.platform === "win32")("what is no file", () => {
  const readers: [string, (path: string) => Promise<unknown>][] = [
    ["readSmallFile", (path) => readSmallFile(path, "ERR_FINETAG_MODEL")],
    ["hashFile", (path) => hashFile(createHash("sha256"), path)],
    ["openWeights", (path) => openWeights(dirname(path))],
  ];

  it.each(readers)("is not waited for, and not read without an end, by %s", async (_, read) => {
    const path = join(folder, "model.safetensors");
    for (const make of [() => spawnSync("mkfifo", [path]), () => symlink("/dev/zero", path)]) {
      await make();
      await expect(read(path)).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: `${path}: it is a pipe or a device, not a file; give a file`,
      });
      await rm(path);
    }
  });

  it("does not stand for a file without a size, as those of /proc", async ({ skip }) => {
    skip(process.platform !== "linux", "there is no /proc");
    const bytes = await readSmallFile("/proc/self/status", "ERR_FINETAG_MODEL");
    expect(Buffer.from(bytes).toString()).toMatch(/^Name:\t/);
  });
});

describe("writeFileAtomic", () => {
  it("writes text as UTF-8 and leaves nothing next to it", async () => {
    const path = join(folder, "a.json");
    await writeFileAtomic(path, "é\n");
    await writeFileAtomic(path, "ü\n");
    expect(await readFile(path, "utf8")).toBe("ü\n");
    expect(await readdir(folder)).toEqual(["a.json"]);
  });

  it("keeps the mode of the older file and writes through a link", async () => {
    const path = join(folder, "real");
    await writeFile(path, "older", { mode: 0o600 });
    await symlink(path, join(folder, "link"));
    await writeFileAtomic(join(folder, "link"), "newer");
    expect(await readFile(path, "utf8")).toBe("newer");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("never shows a reader a part of a file", async () => {
    const path = join(folder, "a");
    const contents = ["x", "y"].map((letter) => letter.repeat(300_000));
    await writeFileAtomic(path, contents[0]!);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 40; i++) await writeFileAtomic(path, contents[i % 2]!);
      writing = false;
    })();
    while (writing) expect(contents).toContain(await readFile(path, "utf8"));
    await writer;
  });

  it("says that the folder is missing", async () => {
    await expect(writeFileAtomic(join(folder, "no", "a"), "")).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: `${join(folder, "no", "a")}: its folder does not exist; create it, or use another path`,
    });
  });

  it("says that the target is a folder", async () => {
    await mkdir(join(folder, "d"));
    await expect(writeFileAtomic(join(folder, "d"), "")).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringContaining("it is a folder"),
    });
    expect(await readdir(folder)).toEqual(["d"]);
  });
});

describe("withAtomicFile", () => {
  it("removes the part that was written when the writer throws, and passes its error on", async () => {
    const path = join(folder, "a");
    await writeFileAtomic(path, "older");
    const stop = new Error("stop");
    await expect(
      withAtomicFile(path, async (handle) => {
        await writeAll(handle, new Uint8Array(1000));
        throw stop;
      }),
    ).rejects.toBe(stop);
    expect(await readFile(path, "utf8")).toBe("older");
    expect(await readdir(folder)).toEqual(["a"]);
  });
});

describe("a full disk", () => {
  it("leaves the older file as it was (tmpfs)", async (context) => {
    const disk = await smallDisk(256 * 1024);
    if (disk === undefined) return context.skip();
    try {
      const path = join(disk.folder, "model.bin");
      await writeFileAtomic(path, "older");
      await expect(writeFileAtomic(path, new Uint8Array(1024 * 1024))).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: `${path}: no space left on the device; free space, the older file is untouched`,
      });
      const fill = (inside: string) => writeFile(join(inside, "big"), new Uint8Array(1024 * 1024));
      await expect(writeDirectoryAtomic(join(disk.folder, "step-1"), fill)).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: expect.stringContaining("no space left"),
      });
      expect(await readFile(path, "utf8")).toBe("older");
      expect(await readdir(disk.folder)).toEqual(["model.bin"]);
    } finally {
      await disk.release();
    }
  });

  it("leaves the older file as it was (file size limit)", async (context) => {
    const path = join(folder, "model.bin");
    await writeFileAtomic(path, "older");
    const ran = await withFileSizeLimit(64 * 1024, async () => {
      await expect(writeFileAtomic(path, new Uint8Array(200_000))).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: expect.stringContaining("`ulimit -f` allows; raise the limit, the older file is untouched"),
      });
    });
    if (!ran) return context.skip();
    expect(await readFile(path, "utf8")).toBe("older");
    expect(await readdir(folder)).toEqual(["model.bin"]);
  });
});

describe("writeDirectoryAtomic", () => {
  const fillWith = (text: string) => async (inside: string) => {
    await mkdir(join(inside, "sub"));
    await writeFile(join(inside, "sub", "a"), text);
  };

  it("creates a folder, replaces it as a whole, and leaves nothing next to it", async () => {
    const dir = join(folder, "step-1");
    await writeDirectoryAtomic(dir, fillWith("1"));
    await writeFile(join(dir, "extra"), "");
    await writeDirectoryAtomic(dir, fillWith("2"));
    expect(await readFile(join(dir, "sub", "a"), "utf8")).toBe("2");
    expect(await readdir(dir)).toEqual(["sub"]);
    expect(await readdir(folder)).toEqual(["step-1"]);
  });

  it("keeps the older folder when filling fails", async () => {
    const dir = join(folder, "step-1");
    await writeDirectoryAtomic(dir, fillWith("1"));
    const stop = new Error("stop");
    await expect(writeDirectoryAtomic(dir, () => Promise.reject(stop))).rejects.toBe(stop);
    expect(await readFile(join(dir, "sub", "a"), "utf8")).toBe("1");
    expect(await readdir(folder)).toEqual(["step-1"]);
  });

  it("puts the older folder back after a crash between the two renames", async () => {
    const dir = join(folder, "step-1");
    await writeDirectoryAtomic(dir, fillWith("1"));
    await rename(dir, join(folder, ".step-1.finetag-older"));
    expect(await recoverDirectory(dir)).toBe(true);
    expect(await readFile(join(dir, "sub", "a"), "utf8")).toBe("1");
    expect(await recoverDirectory(dir)).toBe(false);
  });
});

describe("makeFolder", () => {
  it("makes what is missing above it, and leaves what is there", async () => {
    const path = join(folder, "a", "b", "c");
    await makeFolder(path, 0o700);
    expect((await stat(join(folder, "a", "b"))).mode & 0o777).toBe(0o700);
    await writeFile(join(path, "kept"), "");
    await Promise.all([makeFolder(path), makeFolder(path), makeFolder(join(folder, "d", "e"))]);
    expect(await readdir(path)).toEqual(["kept"]);
  });

  it("may be called by many at once", async () => {
    const paths = Array.from({ length: 20 }, (_, i) => join(folder, "a", "b", "c", `${i % 3}`));
    await Promise.all(paths.map((path) => makeFolder(path)));
    expect(await readdir(join(folder, "a", "b", "c"))).toEqual(["0", "1", "2"]);
  });

  it("fails where a file is in the way", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeFolder(join(folder, "file", "a"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.skipIf(process.platform !== "linux")("ends where the file system takes no folders", async () => {
    await expect(makeFolder("/proc/finetag/a")).rejects.toThrow(
      "/proc/finetag: the file system does not allow a new folder there; use another path",
    );
  });
});

describe("removeLeftovers", () => {
  it("removes what a dead process left, and nothing else", async () => {
    const own = temporaryPath(join(folder, "model.safetensors"));
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const leftover = join(dirname(own), basename(own).replace(`-${process.pid}-`, `-${dead}-`));
    await writeFile(own, "");
    await writeFile(leftover, "");
    await writeFile(join(folder, ".other.tmp"), "");
    expect(await removeLeftovers(folder)).toBe(1);
    expect((await readdir(folder)).sort()).toEqual([basename(own), ".other.tmp"].sort());
    expect(await removeLeftovers(join(folder, "missing"))).toBe(0);
  });
});
