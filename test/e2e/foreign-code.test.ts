/** What is in the folder where finetag is started is data: none of it is run. */
import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { finetag } from "./program.ts";

const PIP = new URL("../../third_party/lib/pip.mjs", import.meta.url).href;

let folder: string;
let cwd: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-foreign-"));
  cwd = join(folder, "cwd");
  const python = `import pathlib\npathlib.Path(${JSON.stringify(join(folder, "ran"))}).write_text("")\n`;
  const shell = `#!/bin/sh\ntouch ${JSON.stringify(join(folder, "ran"))}\nexit 1\n`;
  await mkdir(join(cwd, "ensurepip"), { recursive: true });
  for (const name of ["pip.py", "sitecustomize.py", "usercustomize.py", "ssl.py", "ensurepip/__init__.py"])
    await writeFile(join(cwd, name), python);
  for (const name of ["python3", "python", "pip3", "pip", "nvidia-smi", "node", "cmake", "git"]) {
    await writeFile(join(cwd, name), shell);
    await chmod(join(cwd, name), 0o755);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const env = () => ({
  HF_ENDPOINT: "http://127.0.0.1:9",
  HF_HUB_CACHE: join(folder, "hub"),
  FINETAG_CACHE: join(folder, "cache"),
  HF_HUB_OFFLINE: "",
  PIP_NO_INDEX: "1",
  PIP_CONFIG_FILE: "/dev/null",
  // As some have it: the folder itself, by its relative name.
  PYTHONPATH: ".",
});

describe("a folder with a pip.py and programs of usual names", { timeout: 120_000 }, () => {
  it("is left alone by pull, where the Hub cannot be reached", async () => {
    const { code, stderr } = await finetag(["pull", "all-MiniLM-L6-v2"], { cwd, env: env() });
    expect(code).not.toBe(0);
    expect(stderr).toContain("pip");
    expect(await readdir(folder)).not.toContain("ran");
  });

  it("is left alone by doctor", async () => {
    await finetag(["doctor"], { cwd, env: env() });
    expect(await readdir(folder)).not.toContain("ran");
  });

  it("is left alone by the set-up's search for pip", async () => {
    const script = `import { findPip } from ${JSON.stringify(PIP)}; findPip();`;
    execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      cwd,
      env: { ...process.env, ...env() },
    });
    expect(await readdir(folder)).not.toContain("ran");
  });
});
