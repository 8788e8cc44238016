import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FINETAG, finetag } from "../program.ts";
import { lines, trainArgs, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

const training = (out: string, ...more: string[]) => [
  ...trainArgs(trained, out),
  ...["--batch-size", "16", "--threads", "1", "--epochs", "1", ...more],
];

/** The one line that a refused command says, before it reads any data. */
async function refusal(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await finetag(args);
  expect(stdout).toBe("");
  expect(lines(stderr)).toHaveLength(1);
  expect(code).toBeGreaterThan(0);
  return stderr;
}

describe("what cannot be written is noticed before the run", () => {
  test.each([
    ["checkpoints", "file", "it is a file, but the run writes a folder there"],
    ["runs", "file", "it is a file, but the run writes a folder there"],
    ["checkpoints", "link", "it is a link to a folder that does not exist"],
    ["history.jsonl", "folder", "it is a folder, but the run writes a file there"],
    ["metrics.json", "folder", "it already holds a run"],
    ["tokenizer.json", "folder", "it is a folder, but the run writes a file there"],
  ] as const)("a name that is taken: %s as a %s", async (name, kind, said) => {
    const out = await mkdtemp(join(trained.folder, "taken-"));
    const path = join(out, name);
    if (kind === "file") await writeFile(path, "");
    else if (kind === "link") await symlink("nowhere", path);
    else await mkdir(path);
    expect(await refusal(training(out))).toContain(said);
    expect(await readdir(out)).toEqual([name]);
  });

  describe("a read-only file system", () => {
    let disk: string;
    let mounted = false;
    beforeAll(async () => {
      disk = await mkdtemp(join(tmpdir(), "finetag-read-only-"));
      mounted = spawnSync("mount", ["-t", "tmpfs", "finetag-test", disk]).status === 0;
      if (!mounted) return;
      await mkdir(join(disk, "checkpoints"));
      spawnSync("mount", ["-o", "remount,ro", disk]);
    });
    afterAll(async () => {
      if (mounted) spawnSync("umount", [disk]);
      await rm(disk, { recursive: true, force: true });
    });

    test("as output directory, above it, and for --output", async ({ skip }) => {
      skip(!mounted, "needs the right to mount a tmpfs");
      const said = "the file system is read-only; use a path on another one\n";
      expect(await refusal(training(disk))).toBe(`finetag: ${disk}: ${said}`);
      expect(await refusal(training(join(disk, "a", "b")))).toBe(`finetag: ${join(disk, "a", "b")}: ${said}`);
      const output = join(disk, "labels.jsonl");
      // No such model: an error of its own, if it came to that.
      for (const args of [
        ["predict", "x"],
        ["eval", "--data", "x.csv"],
      ]) {
        const given = ["--model", join(disk, "none"), "--output", output];
        expect(await refusal([...args, ...given])).toBe(`finetag: ${output}: ${said}`);
      }
    });

    test("behind a link in the output directory", async ({ skip }) => {
      skip(!mounted, "needs the right to mount a tmpfs");
      const out = await mkdtemp(join(trained.folder, "linked-"));
      await symlink(join(disk, "checkpoints"), join(out, "checkpoints"));
      expect(await refusal(training(out))).toContain(
        `${join(out, "checkpoints")}: the file system is read-only`,
      );
      expect(await readdir(out)).toEqual(["checkpoints"]);
    });
  });

  test("missing permissions", async ({ skip }) => {
    const out = await mkdtemp(join(trained.folder, "forbidden-"));
    await chmod(out, 0o555);
    const probe = spawnSync("touch", [join(out, "x")]);
    skip(probe.status === 0, "this user may write anywhere");
    expect(await refusal(training(out))).toMatch(/: no permission to write it; change its owner or mode/);
  });
});

test("too few open files are one line, whatever is in the way", async () => {
  for (const limit of [24, 40, 64, 96]) {
    const command = `ulimit -n ${limit}; exec '${process.execPath}' '${FINETAG}' predict --model '${trained.model}' x`;
    const { stderr, status } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
    expect({ limit, stderr, status }).toEqual({
      limit,
      stderr: "finetag: too many files are open; raise `ulimit -n` to 256 or more\n",
      status: 1,
    });
  }
});

test("values of megabytes are not echoed", async () => {
  const long = "x".repeat(100_000);
  for (const args of [
    ["train", "--epochs", long],
    ["train", `--${long}`, "1"],
    [long],
    ["predict", "--model", "m", "--output", `a.${long}`],
    ["predict", "--model", long, "x"],
    ["inspect", trained.model, long],
    ["train", "--model", "m", "--save-every", long],
    ["push", "a", long],
    ["eval", "--model", trained.model, "--data", long],
    ["train", "--config", long],
    ["train", "--model", trained.base, "--train", long, "--output-dir", long],
  ]) {
    const { code, stdout, stderr } = await finetag(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.length).toBeLessThan(2100);
    expect(lines(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/^finetag: (?!unexpected error)/);
  }
});

/** A model of 2 GB whose weights are a hole in a file: quick to write, but not to read. */
async function largeModel(folder: string): Promise<string> {
  const vocabulary = 1 << 24;
  await cp(trained.base, folder, { recursive: true });
  const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, vocab_size: vocabulary }));
  const path = join(folder, "model.safetensors");
  const bytes = await readFile(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  let end = 0;
  for (const [name, tensor] of Object.entries<{ shape: number[]; data_offsets: number[] }>(header)) {
    if (name === "__metadata__") continue;
    if (name.endsWith("word_embeddings.weight")) tensor.shape[0] = vocabulary;
    const begin = end;
    end += 4 * tensor.shape.reduce((product, size) => product * size, 1);
    tensor.data_offsets = [begin, end];
  }
  const written = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(written.length));
  await writeFile(path, Buffer.concat([start, written]));
  await truncate(path, 8 + written.length + end);
  return folder;
}

test.skipIf(process.platform !== "linux")("the first Ctrl-C ends inspect", { timeout: 120_000 }, async () => {
  const large = await largeModel(join(trained.folder, "large"));
  const child = spawn(process.execPath, [FINETAG, "inspect", large], { stdio: ["ignore", "pipe", "pipe"] });
  // Well within the reading of the weights, which takes longer than all that comes before.
  while (child.exitCode === null && (await opensNothing(child.pid!, "model.safetensors"))) await pause(20);
  await pause(200);
  const since = performance.now();
  child.kill("SIGINT");
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: "" });
  expect(performance.now() - since).toBeLessThan(3000);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function opensNothing(pid: number, name: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder).catch(() => [])).map((fd) => readlink(join(folder, fd)).catch(() => "")),
  );
  return !links.some((link) => link.endsWith(name));
}
