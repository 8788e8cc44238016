import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { Classifier } from "../../../packages/ts-api/src/classifier/index.ts";
import { FINETAG } from "../program.ts";
import { lines, trainArgs, useTrainedModel } from "./trained.ts";

const trained = useTrainedModel();

function start(out: string, ...more: string[]) {
  const args = [
    ...trainArgs(trained, out),
    ...["--json", "--batch-size", "16", "--threads", "1", "--no-token-cache", ...more],
  ];
  const child = spawn(process.execPath, [FINETAG, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = Promise.all([text(child.stderr), once(child, "close")]).then(([stderr, [code]]) => ({
    code: code as number | null,
    stderr,
  }));
  return { child, ended };
}

/** Waits for an event of a run; its output is read on to the end. */
function event(child: ChildProcess, type: string): Promise<void> {
  return new Promise((resolve) => {
    child.stdout!.setEncoding("utf8").on("data", (data: string) => {
      if (data.includes(`"type":"${type}"`)) resolve();
    });
  });
}

describe("two runs in one output directory", () => {
  test("started at once: one trains, the other says so and leaves everything alone", {
    timeout: 180_000,
  }, async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const out = join(trained.folder, `raced-${attempt}`);
      const runs = [1, 2].map((seed) => start(out, "--epochs", "2", "--seed", String(seed)));
      for (const { child } of runs) child.stdout.resume();
      const ended = await Promise.all(runs.map((run) => run.ended));
      const winner = ended.findIndex(({ code }) => code === 0);
      expect(ended.map(({ code }) => code).sort()).toEqual([0, 2]);
      expect(ended[1 - winner]!.stderr).toMatch(
        /^finetag: \S+: (process \d+ on this machine is training here since \S+; wait for it|it already holds a run; )/,
      );
      const { arguments: given } = JSON.parse(await readFile(join(out, "finetag.json"), "utf8"));
      expect(given.seed).toBe(winner + 1);
      const history = lines(await readFile(join(out, "history.jsonl"), "utf8")).map((line) =>
        JSON.parse(line),
      );
      expect(history.filter(({ type }) => type === "start").map(({ options }) => options.seed)).toEqual([
        winner + 1,
      ]);
      expect(history.at(-1).type).toBe("end");
      expect((await readdir(out)).filter((name) => name.startsWith("."))).toEqual([]);
    }
  });

  test("a run under way is safe from --overwrite, --resume, a third run and a save", {
    timeout: 120_000,
  }, async () => {
    const out = join(trained.folder, "live");
    const first = start(out, "--epochs", "500", "--save-every", "5");
    await event(first.child, "checkpoint");
    const held = `finetag: ${out}: process ${first.child.pid} on this machine is training here since `;
    for (const more of [["--overwrite"], ["--resume"], []]) {
      const other = start(out, "--epochs", "500", "--save-every", "5", ...more);
      other.child.stdout.resume();
      const { code, stderr } = await other.ended;
      expect(code).toBe(2);
      expect(stderr).toContain(held);
      expect(lines(stderr)).toHaveLength(1);
    }
    await using classifier = await Classifier.fromPretrained(trained.model, { threads: 1 });
    await expect(classifier.save(out)).rejects.toMatchObject({ code: "ERR_FINETAG_IO" });
    await expect(classifier.save(out)).rejects.toThrow(
      `process ${first.child.pid} on this machine is training`,
    );
    expect(first.child.exitCode).toBeNull();

    // A killed run holds nothing.
    first.child.kill("SIGKILL");
    expect((await first.ended).code).toBeNull();
    expect(await readdir(out)).toContain(".finetag-lock");
    const resumed = start(out, "--epochs", "500", "--save-every", "5", "--resume");
    await event(resumed.child, "step");
    resumed.child.kill("SIGTERM");
    expect((await resumed.ended).code).toBe(143);
    expect((await readdir(out)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
