import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "./program.ts";

let folder: string;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-doctor-"));
  base = await writeTinyModel(join(folder, "base"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("doctor finds this machine well", async () => {
  const { code, stdout } = await finetag(["doctor"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok {2}Node\.js: v\d+/m);
  expect(stdout).toMatch(/^ok {2}libtorch: \d+\.\d+/m);
  const { checks, threads, cpuQuota } = JSON.parse((await finetag(["doctor", "--json"])).stdout);
  expect(checks.length).toBeGreaterThan(3);
  expect(cpuQuota === null || Math.max(1, Math.floor(cpuQuota)) >= threads).toBe(true);
});

describe("with a broken engine", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  let copy: string;
  let program: string;

  beforeAll(async () => {
    copy = join(folder, "copy");
    await mkdir(copy);
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    for (const name of ["cli", "ts-api", "core-native"]) {
      const target = join(copy, "packages", name);
      await mkdir(target, { recursive: true });
      for (const part of ["package.json", "dist", "bin", "node_modules"]) {
        if (part === "bin" && name !== "cli") continue;
        await cp(join(root, "packages", name, part), join(target, part), {
          recursive: true,
          verbatimSymlinks: true,
        });
      }
    }
    program = join(copy, "packages", "cli", "bin", "finetag.mjs");
  });

  test("that is missing", async () => {
    const { code, stdout } = await finetag(["doctor"], { program });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ {3}libtorch: the native addon is not built/m);
    expect(stdout).toContain("→ run `npm run bootstrap`");
    expect(await finetag(["setup"], { program })).toMatchObject({
      code: 2,
      stderr: "finetag: setup needs a clone of finetag's repository, and this installation is not in one\n",
    });
    const train = await finetag(["inspect", base], { program });
    expect(train.code).toBe(1);
    expect(train.stderr).toMatch(/^finetag: the native addon is not built; run `npm run bootstrap`[^\n]*\n$/);
  });

  test("that is no library", async () => {
    const variant = process.env.FINETAG_VARIANT === "cuda" ? "build-cuda" : "build";
    const release = join(copy, "packages", "core-native", variant, "Release");
    await mkdir(release, { recursive: true });
    await writeFile(join(release, "finetag.node"), "not a library");
    const { code, stdout } = await finetag(["doctor"], { program });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ {3}libtorch: the native addon does not load/m);
  });

  test("that ends the process", async () => {
    const loader = join(copy, "packages", "core-native", "dist", "load.js");
    await writeFile(
      loader,
      `export class AddonLoadError extends Error {}
export const addonPath = () => "";
export function loadAddon() { process.kill(process.pid, "SIGSEGV"); for (;;); }
`,
    );
    const { code, stdout } = await finetag(["doctor"], { program });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ {3}libtorch: loading the engine ended with SIGSEGV/m);
    expect(stdout).toContain("npm run bootstrap");
  });
});
