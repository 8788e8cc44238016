import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nvidiaDriver } from "../../scripts/lib/native/driver.mjs";
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
      env: { PATH: join(folder, "bin"), HOME: folder, FINETAG_YES: "" },
    });
    expect(code).toBe(1);
    expect(stdout).toBe("Setting up finetag\n");
    expect(stderr).toContain("no C++ compiler (c++, g++ or clang++)");
  });

  test.skipIf(nvidiaDriver() !== undefined)("of a variant for GPUs asks for a driver first", async () => {
    const { code, stdout, stderr } = await finetag(["setup", "--variant", "cuda"], {
      env: { PATH: join(folder, "bin"), HOME: folder, FINETAG_YES: "" },
    });
    expect(code).toBe(1);
    expect(stdout).toBe("Setting up finetag\n");
    expect(stderr).toMatch(/^\nNo NVIDIA driver was found on this machine.*\n.*add --yes/);
  });
});

describe("bench/gpu-check.sh", () => {
  const script = fileURLToPath(new URL("../../bench/gpu-check.sh", import.meta.url));
  const run = (...args) => {
    const { status, stdout, stderr } = spawnSync("bash", [script, ...args], { encoding: "utf8" });
    return { status, stdout, stderr };
  };

  test.skipIf(nvidiaDriver() !== undefined)("says in one line that there is no CUDA device", () => {
    const { status, stdout, stderr } = run();
    expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
    expect(stderr).toMatch(
      /^gpu-check: no CUDA device was found on this machine: [^\n]+\. Nothing was run on a GPU\.\n$/,
    );
  });

  test("explains itself, and refuses what it does not know", () => {
    expect(run("--help")).toMatchObject({ status: 0, stderr: "" });
    expect(run("--nope")).toMatchObject({
      status: 2,
      stderr: "gpu-check: unknown option --nope; see --help\n",
    });
    expect(run("--steps", "few").stderr).toBe(
      "gpu-check: --steps few: must be a whole number of at least 10\n",
    );
  });

  // It begins with the set-up, which finds nothing to do under npm test; run by itself, this may build first.
  test("goes its whole way on the CPU, and writes down what each step came to", async () => {
    const output = join(folder, "rehearsal.json");
    const { FINETAG_PEER_PYTHON: _, ...env } = process.env;
    const child = spawn("bash", [script, "--rehearse", "--steps", "10", "--output", output], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    expect(code, `${stdout}\n${stderr}`).toBe(0);
    const { ok, complete, steps, versions, parity, benchmark } = JSON.parse(readFileSync(output, "utf8"));
    expect({ ok, complete, steps }).toEqual({
      ok: true,
      complete: false,
      steps: {
        cpp: "ok",
        parity: "ok",
        sanitizer: "left out: no GPU",
        steps: "ok",
        peer: "left out: FINETAG_PEER_PYTHON names no Python with the peers",
        "train-float32": "ok",
      },
    });
    expect(versions.devices).toContain("cpu");
    expect(parity).toMatchObject({ failed: 0, failures: [] });
    expect(parity.passed).toBeGreaterThan(0);
    // Read off the test's output, whose form nothing else holds.
    expect(parity.largest_errors.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["loss", "grad"]));
    expect(benchmark.map(({ side, texts }) => `${side}, ${texts}`)).toEqual([
      "finetag, comments",
      "finetag, full",
    ]);
    for (const { texts_per_second } of benchmark) expect(texts_per_second).toBeGreaterThan(0);
  }, 900_000);
});
