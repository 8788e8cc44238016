import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FINETAG } from "../program.ts";
import { hasScript, lines, trainArgs, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

const training = (out: string, epochs: number) => [
  ...trainArgs(trained, out, "--json"),
  ...["--batch-size", "16", "--threads", "1", "--epochs", String(epochs), "--no-tensorboard"],
  // Some label passes it at once, so that there is no warning.
  ...["--threshold", "0.1"],
];

const shellWords = (words: string[]) => words.map((word) => `'${word}'`).join(" ");

/** A process and all that writes to its stdout, collected until the last of these ends. */
function watched(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const closed = once(child.stdout, "close");
  const until = async (text: string) => {
    while (!said.stdout.includes(text)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { child, said, closed, until };
}

/** The process of finetag below another one. */
function finetagBelow(parent: ChildProcess): number {
  const { stdout } = spawnSync("ps", ["-eo", "pid,pgid,args"], { encoding: "utf8" });
  const line = lines(stdout).find(
    (text) => text.trim().split(/\s+/)[1] === String(parent.pid) && /node\S* \S*finetag/.test(text),
  );
  return Number(line!.trim().split(/\s+/)[0]);
}

const events = (stdout: string) => lines(stdout).map((line) => JSON.parse(line) as { type: string });

describe.skipIf(process.platform !== "linux")("a terminal that goes away", () => {
  test.each([
    ["nohup without a terminal", (command: string) => `nohup ${command} < /dev/null; :`],
    ["a stdin as nohup opens it", (command: string) => `${command} 0> /dev/null; :`],
    ["a script that ignores the signal", (command: string) => `trap "" HUP; ${command}; :`],
  ])("does not end a run that shall outlive it: %s", { timeout: 60_000 }, async (name, script) => {
    const out = join(trained.folder, name.replaceAll(" ", "-"));
    const command = shellWords([process.execPath, FINETAG, ...training(out, 20)]);
    const { child, said, closed, until } = watched("bash", ["-c", script(command)]);
    await until('"type":"step"');
    process.kill(finetagBelow(child), "SIGHUP");
    await closed;
    expect(said.stderr).toBe("");
    expect(events(said.stdout).at(-1)).toMatchObject({ type: "end", step: 200 });
  });
});

test.skipIf(process.platform !== "linux" || !hasScript)(
  "a run that setsid has taken from its terminal goes on without it",
  { timeout: 60_000 },
  async () => {
    const out = join(trained.folder, "detached");
    const command = shellWords([process.execPath, FINETAG, ...training(out, 40)]);
    const { child, closed, until } = watched("script", ["-qec", `setsid --wait ${command}`, "/dev/null"]);
    await until('"type":"step"');
    child.kill("SIGKILL"); // the terminal itself
    await closed;
    const history = join(out, "history.jsonl");
    while (!(await readFile(history, "utf8")).includes('"type":"end"'))
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await readFile(history, "utf8")).not.toContain('"stop"');
  },
);

describe.skipIf(process.platform !== "linux")("the program that starts finetag", () => {
  const project = async (name: string) => {
    const folder = join(trained.folder, name);
    await mkdir(join(folder, "node_modules", ".bin"), { recursive: true });
    await writeFile(
      join(folder, "package.json"),
      '{ "private": true, "scripts": { "train": "finetag train" } }',
    );
    await symlink(FINETAG, join(folder, "node_modules", ".bin", "finetag"));
    return folder;
  };

  test.each([
    ["npx", "SIGTERM", (args: string[]) => ["npx", "--no-install", "finetag", ...args]],
    ["npm", "SIGTERM", ([, ...args]: string[]) => ["npm", "run", "--silent", "train", "--", ...args]],
    ["npx", "SIGKILL", (args: string[]) => ["npx", "--no-install", "finetag", ...args]],
  ] as const)(
    "%s, ended by %s, ends the run with a checkpoint",
    { timeout: 60_000 },
    async (name, signal, words) => {
      const cwd = await project(`${name}-${signal}`);
      const out = join(cwd, "out");
      const [command, ...args] = words(training(out, 100_000));
      const { child, said, closed, until } = watched(command!, args, { cwd });
      await until('"type":"step"');
      child.kill(signal);
      await closed;
      expect(said.stderr).toMatch(/^finetag: np[mx], which started this command, has ended; stopping$/m);
      expect(events(said.stdout).at(-1)).toMatchObject({ type: "stop", reason: "aborted" });
      expect(await readdir(join(out, "checkpoints"))).toHaveLength(1);
      expect((await readdir(out)).filter((entry) => entry.startsWith("."))).toEqual([]);
    },
  );

  test("is not missed if it is a shell, as after setsid and disown", { timeout: 60_000 }, async () => {
    const out = join(trained.folder, "disowned");
    const command = shellWords([process.execPath, FINETAG, ...training(out, 40)]);
    // As within an npm script, whose variables are inherited.
    const env = { ...process.env, npm_command: "exec", npm_lifecycle_event: "npx" };
    const { child, said, closed, until } = watched("bash", ["-c", `${command} & disown; kill -STOP $$`], {
      env,
    });
    await until('"type":"step"');
    child.kill("SIGKILL");
    await closed;
    expect(said.stderr).toBe("");
    expect(events(said.stdout).at(-1)).toMatchObject({ type: "end", step: 400 });
    const history = await readFile(join(out, "history.jsonl"), "utf8");
    expect(history).not.toContain('"stop"');
  });
});
