import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { FINETAG, finetag as run } from "../program.ts";
import { lines, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

const inFolder = (name: string) => join(trained.folder, name);
const predicting = () => [
  ...["predict", "--model", trained.model, "--threads", "1", "--input", inFolder("test.csv")],
];
const evaluating = () => [
  ...["eval", "--model", trained.model, "--threads", "1", "--data", inFolder("test.csv")],
];

/** How a data file is read is said on stderr, and tested elsewhere. */
const PLAN = /^finetag: (?:.*: (?:csv|txt), utf-8|text from "text".*)\n/gm;
const withoutPlan = <T extends { stderr: string }>(ended: T): T => ({
  ...ended,
  stderr: ended.stderr.replaceAll(PLAN, ""),
});
const finetag = async (args: string[]) => withoutPlan(await run(args));

/** A line of bash in which `predict` stands for the command. */
function bash(command: string) {
  const words = [process.execPath, FINETAG, ...predicting()].map((word) => `'${word}'`).join(" ");
  const script = `predict() { ${words} "$@"; }; ${command}`;
  const { stdout, stderr, status } = spawnSync("bash", ["-o", "pipefail", "-c", script], {
    encoding: "utf8",
    cwd: trained.folder,
    timeout: 60_000,
  });
  return withoutPlan({ stdout, stderr, status });
}

describe.skipIf(process.platform === "win32")("an output that is no file", () => {
  test.each(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])(
    "%s is the pipe behind stdout",
    async (output) => {
      const expected = await finetag(predicting());
      expect(lines(expected.stdout)).toHaveLength(40);
      expect(await finetag([...predicting(), "--output", output])).toEqual(expected);
      expect(bash(`predict --output ${output} | cat`)).toEqual({
        stdout: expected.stdout,
        stderr: "",
        status: 0,
      });
    },
  );

  test("/dev/stdout is the file that a shell has opened, from where it is", () => {
    const { status, stderr } = bash(
      "echo first > opened; predict --output /dev/stdout >> opened && echo last >> opened",
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const { stdout } = bash("cat opened");
    expect(lines(stdout)).toHaveLength(42);
    expect(lines(stdout)[0]).toBe("first");
    expect(lines(stdout).at(-1)).toBe("last");
  });

  test("a named pipe gives its reader everything, whoever comes first", async () => {
    const expected = (await finetag(predicting())).stdout;
    const pipe = inFolder("pipe");
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    const early = spawn("cat", [pipe]);
    const [first] = await Promise.all([text(early.stdout), finetag([...predicting(), "--output", pipe])]);
    expect(first).toBe(expected);
    const writing = finetag([...predicting(), "--output", pipe]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const late = spawn("cat", [pipe]);
    expect(await text(late.stdout)).toBe(expected);
    expect(await writing).toEqual({ code: 0, stdout: "", stderr: "" });
    expect((await lstat(pipe)).isFIFO()).toBe(true);
  });

  test("a named pipe without a reader is waited for, and Ctrl-C ends that", async () => {
    const pipe = inFolder("lonely");
    spawnSync("mkfifo", [pipe]);
    const child = spawn(process.execPath, [FINETAG, ...predicting(), "--output", pipe], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    setTimeout(() => child.kill("SIGINT"), 2500);
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    expect(withoutPlan({ stderr, code })).toEqual({ stderr: "", code: 130 });
  });

  test("a shell's >(command) gets everything", async () => {
    const { status, stderr } = bash("predict --output >(cat > substituted); sleep 0.5");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(await readFile(inFolder("substituted"), "utf8")).toBe((await finetag(predicting())).stdout);
  });

  test("a reader that has enough ends it quietly", async () => {
    await writeFile(inFolder("many.txt"), "so happy that it was a very great day\n".repeat(20_000));
    const many = "--input many.txt";
    const words = `'${process.execPath}' '${FINETAG}' predict --model '${trained.model}' ${many} --output`;
    expect(bash(`${words} >(head -n 1)`)).toMatchObject({ stderr: "", status: 0 });
    expect(bash(`mkfifo short; head -n 1 short > /dev/null & ${words} short`)).toMatchObject({
      stderr: "",
      status: 0,
    });
    expect(bash(`${words} /dev/stdout | head -n 1`)).toMatchObject({ stderr: "", status: 0 });
  });

  test("a device stays a device", async ({ skip }) => {
    const device = inFolder("null");
    const made = spawnSync("mknod", ["-m", "666", device, "c", "1", "3"]).status === 0;
    skip(!made || spawnSync("sh", ["-c", `: > '${device}'`]).status !== 0, "needs root to make a device");
    for (const args of [predicting(), evaluating()]) {
      const { code, stderr } = await finetag([...args, "--output", device]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect((await lstat(device)).isCharacterDevice()).toBe(true);
    }
  });

  test("a device without room is a full disk", async ({ skip }) => {
    skip(process.platform !== "linux", "there is no /dev/full");
    const full = inFolder("full");
    await symlink("/dev/full", full);
    const { code, stderr } = await finetag([...predicting(), "--output", full]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^finetag: .*full: no space left on the device; free space\n$/);
  });

  test("a socket, a folder and a number that is not open are refused before the model is opened", async () => {
    const socket = inFolder("socket");
    const server = createServer().listen(socket);
    await once(server, "listening");
    const refusal = async (output: string) => {
      const model = inFolder("no-such-model"); // would be an error of its own
      const { code, stderr } = await finetag(["predict", "--model", model, "--output", output, "x"]);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refusal(socket)).toBe(`finetag: ${socket}: it is a socket, not a file; give a file\n`);
    server.close();
    expect(await refusal(trained.folder)).toBe(
      `finetag: ${trained.folder}: it is a folder, not a file; give a file\n`,
    );
    expect(await refusal("/dev/fd/77")).toMatch(/^finetag: \/dev\/fd\/77: finetag has no open file of that/);
    expect(await refusal(inFolder("none/x.jsonl"))).toContain("its folder does not exist; create it");
  });
});

describe("a link as output", () => {
  test("stays, and what it leads to is written, whether it is there or not", async () => {
    const place = inFolder("linked");
    await mkdir(join(place, "deep"), { recursive: true });
    await symlink("deep", join(place, "folder"));
    await symlink("folder/../target.jsonl", join(place, "inner"));
    await symlink("inner", join(place, "outer.jsonl"));
    for (let i = 0; i < 2; i++) {
      const { code } = await finetag([...predicting(), "--output", join(place, "outer.jsonl")]);
      expect(code).toBe(0);
      expect(await readlink(join(place, "outer.jsonl"))).toBe("inner");
      expect(lines(await readFile(join(place, "target.jsonl"), "utf8"))).toHaveLength(40);
    }
    expect((await readdir(place)).sort()).toEqual(["deep", "folder", "inner", "outer.jsonl", "target.jsonl"]);
    expect((await stat(join(place, "target.jsonl"))).isFile()).toBe(true);
  });

  test("that leads nowhere is one line", async () => {
    const [dangling, loop] = [inFolder("dangling"), inFolder("loop")];
    await symlink("missing/target", dangling);
    await symlink("loop", loop);
    const { code, stderr } = await finetag([...evaluating(), "--output", dangling]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `finetag: ${dangling}: it links to ${inFolder("missing/target")}, whose folder does not exist; create the folder, or use another path\n`,
    });
    expect((await finetag([...evaluating(), "--output", loop])).stderr).toBe(
      `finetag: ${loop}: its symbolic links form a loop; check the path\n`,
    );
  });
});
