import { describe, expect, it } from "vitest";
import { runProgram } from "./tiny.ts";

describe("process exit in the middle of a training step", () => {
  // The step alone would take tens of seconds: an exit that waits for it is a failure as well.
  it.each([
    ["exit", 7, null],
    ["throw", 1, null],
    ["kill", null, "SIGTERM"],
  ])("%s", async (how, code, signal) => {
    const outcome = await runProgram("exit-while-training.mjs", [how]);
    expect(outcome.stdout).toContain("leaving");
    expect({ code: outcome.code, signal: outcome.signal }).toEqual({ code, signal });
    expect(outcome.stderr).not.toMatch(/terminate called|Segmentation|Assertion|FATAL/);
  });

  it("dispose lets the step finish", async () => {
    const outcome = await runProgram("exit-while-training.mjs", ["dispose"]);
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: "" });
    expect(outcome.stdout).toContain("disposed");
  });
});

describe("threads", () => {
  it("loads in main and worker threads at once, each with the same bits, and survives terminate()", async () => {
    const outcome = await runProgram("worker-while-training.mjs");
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: "" });
    const losses = JSON.parse(outcome.stdout) as number[];
    expect(losses).toHaveLength(3);
    expect(new Set(losses).size).toBe(1);
  });

  it.runIf(process.platform === "linux").each([[1], [2], [3]])(
    "computes in %i threads when asked to",
    async (threads) => {
      const outcome = await runProgram("count-threads.mjs", [String(threads)]);
      expect(outcome).toMatchObject({ code: 0, stderr: "" });
      // The session's own is one of them, and there before.
      expect(JSON.parse(outcome.stdout)).toEqual({ more: threads - 1 });
    },
  );

  it("survives terminate() at any moment of a call", async () => {
    const outcome = await runProgram("terminate-anywhere.mjs");
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: "" });
  });
});

describe("memory", () => {
  // A session of this model and its moments hold about 17 MB: a leak of one in each round would add 1.7 GB.
  it.for([["dispose"], ["collect"]])("a hundred sessions reach a plateau (%s)", async ([how], { skip }) => {
    skip(
      process.env.FINETAG_SANITIZE === "1",
      "the address sanitizer keeps freed memory, so there is no plateau",
    );
    const outcome = await runProgram("open-and-dispose.mjs", [how!, "100"], ["--expose-gc"]);
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: "" });
    const resident = JSON.parse(outcome.stdout) as number[];
    const half = Math.max(...resident.slice(30, 60));
    expect(Math.max(...resident.slice(70))).toBeLessThan(half + 40);
  });
});
