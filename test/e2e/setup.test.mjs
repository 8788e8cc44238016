import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nvidiaDriver } from "../../scripts/lib/driver.mjs";
import { finetag } from "./program.ts";

let folder;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag-setup-"));
  mkdirSync(join(folder, "bin"));
  symlinkSync("/bin/sh", join(folder, "bin", "sh"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("setup", () => {
  test("refuses a variant that does not exist", async () => {
    const { code, stderr } = await finetag(["setup", "--variant", "rocm"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "finetag: --variant rocm: must be one of cpu, cuda\n",
    });
  });

  test("ends with the set-up's own message where a compiler is missing", async () => {
    const { code, stdout, stderr } = await finetag(["setup"], {
      env: { PATH: join(folder, "bin"), HOME: folder },
    });
    expect(code).toBe(1);
    expect(stdout).toBe("Setting up finetag\n");
    expect(stderr).toContain("no C++ compiler (c++, g++ or clang++)");
  });

  test.skipIf(nvidiaDriver() !== undefined)("of a variant for GPUs asks for a driver first", async () => {
    const { code, stdout, stderr } = await finetag(["setup", "--variant", "cuda"], {
      env: { PATH: join(folder, "bin"), HOME: folder },
    });
    expect(code).toBe(1);
    expect(stdout).toBe("Setting up finetag\n");
    expect(stderr).toMatch(/^\nNo NVIDIA driver is found on this machine.*\n.*add --yes/);
  });
});
