import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { recoverFiles, writeFilesAtomic } from "../../src/io/index.ts";
import { folder as dir, folderForEach } from "../folder.ts";
import { withFileSizeLimit } from "./full-disk.ts";

folderForEach();

const NAMES = ["finetag.json", "config.json", "model.safetensors"];

function group(text: string) {
  return NAMES.map((name) => ({ name, content: new TextEncoder().encode(text) }));
}

async function contents(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of (await readdir(dir)).sort()) {
    if ((await stat(join(dir, name))).isFile()) files[name] = await readFile(join(dir, name), "utf8");
  }
  return files;
}

const all = (text: string) => Object.fromEntries(NAMES.map((name) => [name, text]));

describe("writeFilesAtomic", () => {
  it("replaces its files, removes stale ones, and leaves other entries alone", async () => {
    await writeFilesAtomic(dir, group("1"));
    await mkdir(join(dir, "checkpoints"));
    await writeFile(join(dir, "metrics.json"), "m");
    await writeFile(join(dir, "added_tokens.json"), "of an older model");
    await writeFilesAtomic(dir, group("2"), ["added_tokens.json", "config.json", "vocab.txt"]);
    expect(await contents()).toEqual({ ...all("2"), "metrics.json": "m" });
    expect(await readdir(dir)).toContain("checkpoints");
    expect((await readdir(dir)).length).toBe(5);
  });

  it("creates the folder, and does not touch a file whose contents are there", async () => {
    const inside = join(dir, "new");
    await writeFilesAtomic(inside, group("1"));
    const before = await stat(join(inside, "config.json"));
    const write = (path: string) => writeFile(path, "2");
    await writeFilesAtomic(inside, [
      ...group("1").slice(0, 2),
      { name: "model.safetensors", content: write },
    ]);
    expect((await stat(join(inside, "config.json"))).ino).toBe(before.ino);
    expect(await readFile(join(inside, "model.safetensors"), "utf8")).toBe("2");
  });

  it("keeps all older files when one cannot be written", async () => {
    await writeFilesAtomic(dir, group("1"));
    const stop = new Error("stop");
    const failing = { name: "model.safetensors", content: () => Promise.reject(stop) };
    await expect(writeFilesAtomic(dir, [...group("2").slice(0, 2), failing])).rejects.toBe(stop);
    expect(await contents()).toEqual(all("1"));
    expect(await readdir(dir)).toHaveLength(3);
  });

  it("keeps all older files when the disk is full (file size limit)", async (context) => {
    await writeFilesAtomic(dir, group("1"));
    const big = { name: "model.safetensors", content: new Uint8Array(100_000) };
    const ran = await withFileSizeLimit(50_000, async () => {
      await expect(writeFilesAtomic(dir, [...group("2").slice(0, 2), big])).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: expect.stringContaining("the older file is untouched"),
      });
    });
    if (!ran) return context.skip();
    expect(await contents()).toEqual(all("1"));
    expect(await readdir(dir)).toHaveLength(3);
  });
});

describe("a crash", () => {
  it("before the commit leaves the older files", async () => {
    await writeFilesAtomic(dir, group("1"));
    await mkdir(join(dir, ".files.finetag-00000000-1-000000000000"));
    await writeFile(join(dir, ".files.finetag-00000000-1-000000000000", "config.json"), "2");
    expect(await recoverFiles(dir)).toBe(false);
    expect(await contents()).toEqual(all("1"));
  });

  it.each([0, 1, 2, 3])("after the commit and %i renames ends in the newer files", async (renames) => {
    await writeFilesAtomic(dir, group("1"));
    await writeFile(join(dir, "added_tokens.json"), "of an older model");
    const commit = join(dir, ".finetag-commit");
    await mkdir(commit);
    for (const name of NAMES) await writeFile(join(commit, name), "2");
    await writeFile(
      join(commit, "finetag-commit.json"),
      JSON.stringify({ files: NAMES, stale: ["added_tokens.json"] }),
    );
    for (const name of NAMES.slice(0, renames)) await rename(join(commit, name), join(dir, name));
    expect(await recoverFiles(dir)).toBe(true);
    expect(await contents()).toEqual(all("2"));
    expect(await readdir(dir)).toHaveLength(3);
    expect(await recoverFiles(dir)).toBe(false);
  });

  it("is finished by the next save as well, also where only the empty folder is left", async () => {
    await mkdir(join(dir, ".finetag-commit"));
    await writeFilesAtomic(dir, group("3"));
    expect(await contents()).toEqual(all("3"));
    expect(await readdir(dir)).toHaveLength(3);
  });

  it("is finished by several readers at once", async () => {
    for (let round = 0; round < 20; round++) {
      const commit = join(dir, ".finetag-commit");
      await mkdir(commit);
      for (const name of NAMES) await writeFile(join(commit, name), String(round));
      await writeFile(join(commit, "finetag-commit.json"), JSON.stringify({ files: NAMES, stale: [] }));
      await Promise.all([1, 2, 3, 4].map(() => recoverFiles(dir)));
      expect(await contents()).toEqual(all(String(round)));
      expect(await readdir(dir)).toHaveLength(3);
    }
  });

  it.each(["../config.json", "/etc/passwd", "..", "a\\b"])(
    "with a manifest that names %s moves nothing",
    async (name) => {
      await mkdir(join(dir, ".finetag-commit"));
      const manifest = JSON.stringify({ files: [], stale: [name] });
      await writeFile(join(dir, ".finetag-commit", "finetag-commit.json"), manifest);
      await writeFile(join(dir, "config.json"), "1");
      await expect(recoverFiles(dir)).rejects.toMatchObject({
        code: "ERR_FINETAG_MODEL",
        message: expect.stringContaining("not left by a save of finetag; remove this folder"),
      });
      expect(await readFile(join(dir, "config.json"), "utf8")).toBe("1");
    },
  );
});
