import { appendFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type HistoryEntry, readHistory } from "../../src/report/index.ts";
import { trainRun } from "../../src/training/index.ts";
import { smallDisk } from "../io/full-disk.ts";
import { only, setUpRuns } from "./runs.ts";
import { tinyRows, writeTinyCsv } from "./tiny.ts";

const tiny = setUpRuns("history");
const { run, abort } = tiny;

const OPTIONS = { maxSteps: 12, evalEvery: 4, saveEvery: 5, logEvery: 5 } as const;

const path = (outputDir = tiny.out) => join(outputDir, "history.jsonl");
const linesOf = async (outputDir = tiny.out) =>
  (await readFile(path(outputDir), "utf8")).split("\n").slice(0, -1);
const outline = (entries: HistoryEntry[]) => entries.map(({ type, step }) => `${type} ${step}`);

/** Entries without times, and without the folder, which differs from run to run in these tests. */
async function course(outputDir = tiny.out): Promise<object[]> {
  return (await readHistory(outputDir)).map((entry) => {
    const { time, ...rest } = entry;
    expect(new Date(time).toISOString()).toBe(time);
    if (rest.type === "start") return { ...rest, options: { ...rest.options, outputDir: "" } };
    if (rest.type === "step") return { ...rest, samplesPerSecond: 0, tokensPerSecond: 0 };
    if (rest.type !== "end") return rest;
    const { samples_per_second, tokens_per_second, seconds, total_seconds, peak_rss_mb, ...train } =
      rest.train;
    return { ...rest, train };
  });
}

describe("history.jsonl", () => {
  it("has the start, steps, evaluations, checkpoints and the end, as the events say", async () => {
    const events = await run(OPTIONS);
    const entries = await readHistory(tiny.out);
    const best = only(events, "end")[0]!.metrics.train.best_step;
    expect(outline(entries)).toEqual([
      "start 0",
      "step 1",
      "evaluation 4",
      "warning 4",
      "step 5",
      "checkpoint 5",
      "evaluation 8",
      "step 10",
      "checkpoint 10",
      "step 12",
      "evaluation 12",
      "checkpoint 12",
      `evaluation ${best}`,
      "end 12",
    ]);
    const [start] = only(events, "start");
    const { outputDir: _, ...begun } = start!;
    expect(entries[0]).toMatchObject({ version: 1, ...JSON.parse(JSON.stringify(begun)) });
    const steps = new Map(only(events, "step").map((event) => [event.step, event]));
    for (const entry of entries) {
      if (entry.type !== "step") continue;
      const { loss, learningRate, gradNorm, epoch } = steps.get(entry.step)!;
      expect(entry).toMatchObject({ loss, learningRate, gradNorm, epoch });
    }
    const evaluations = entries.filter((entry) => entry.type === "evaluation");
    for (const [i, { metrics, split }] of only(events, "evaluation").entries()) {
      const { warnings: _warnings, ...kept } = metrics;
      expect(evaluations[i]).toMatchObject({ split, metrics: kept });
    }
    for (const line of await linesOf()) expect(JSON.parse(line)).toHaveProperty("type");
  });

  it("is the same after a resume as without a stop, wherever that was", { timeout: 120_000 }, async () => {
    await run({ ...OPTIONS, outputDir: `${tiny.out}-straight` });
    const straight = await course(`${tiny.out}-straight`);
    for (const stopAt of [1, 4, 5, 7, 12]) {
      const outputDir = `${tiny.out}-${stopAt}`;
      await abort({ ...OPTIONS, outputDir }, (event) => event.type === "step" && event.step === stopAt);
      expect((await readHistory(outputDir)).at(-1)).toMatchObject({ type: "stop", step: stopAt });
      await run({ ...OPTIONS, outputDir, resume: true });
      expect(await course(outputDir)).toEqual(straight);
    }
    // Within evaluations, of the test data too; at last resumed with nothing left to do.
    const splits = ["dev", "test"] as const;
    for (const split of splits) {
      const outputDir = `${tiny.out}-${split}`;
      await abort({ ...OPTIONS, evalBatchSize: 8, outputDir }, (event) => {
        return event.type === "evaluating" && event.split === split;
      });
      const resumed = { ...OPTIONS, evalBatchSize: 8, outputDir, resume: true };
      // Evaluated again after the resume, then left before the next checkpoint.
      for await (const event of trainRun({ ...tiny.base, ...resumed })) if (event.type === "step") break;
      for (let i = 0; i < 2; i++) await run(resumed);
      expect(outline(await readHistory(outputDir))).toEqual(
        straight.map((entry) => outline([entry as HistoryEntry])[0]),
      );
    }
  });

  it("is the same wherever a kill cut it off", { timeout: 120_000 }, async () => {
    const straight = `${tiny.out}-straight`;
    await run({ ...OPTIONS, outputDir: straight });
    const lines = await linesOf(straight);
    const written = outline(await readHistory(straight));
    // The checkpoint of step 10 is there; its entry may not be. What was taken of later steps is lost.
    for (let count = written.indexOf("step 10") + 1; count < lines.length; count++) {
      for (const half of ["", lines[count]!.slice(0, 20)]) {
        const outputDir = `${tiny.out}-${count}-${half.length}`;
        await cp(straight, outputDir, { recursive: true });
        await rm(join(outputDir, "checkpoints", "step-00000012"), { recursive: true });
        await writeFile(path(outputDir), `${lines.slice(0, count).join("\n")}\n${half}`);
        await run({ ...OPTIONS, outputDir, resume: true });
        expect(await course(outputDir)).toEqual(await course(straight));
      }
    }
  });

  it("ends the same when a run out of patience is resumed", async () => {
    const options = { evalEvery: 3, saveEvery: 4, earlyStopping: 1, learningRate: 1e-9, epochs: 3 } as const;
    const events = await run(options);
    expect(only(events, "stop")[0]!.reason).toBe("early_stopping");
    const before = await course();
    await run({ ...options, resume: true });
    expect(await course()).toEqual(before);
  });

  it("repeats no warning of the part before, and adds new ones", async () => {
    const rows = [{ text: " ", labels: [] }, ...tinyRows(60, 4)];
    const train = await writeTinyCsv(join(tiny.folder, "odd.csv"), rows);
    const options = { train, maxSteps: 4, saveEvery: 2 } as const;
    await abort(options, (event) => event.type === "step" && event.step === 2);
    await run({ ...options, threads: 2, resume: true });
    const warnings = (await readHistory(tiny.out)).filter((entry) => entry.type === "warning");
    expect(warnings).toMatchObject([
      { step: 0, message: `${train}: 1 of 61 texts are empty; the rows are kept` },
      { step: 2, message: expect.stringMatching(/threads`? was 1/) },
      { step: 4, message: expect.stringContaining("above the threshold") },
    ]);
  });

  it("starts again with overwrite, and in a directory that a run left before its first checkpoint", async () => {
    await run({ maxSteps: 3 });
    await run({ maxSteps: 2, overwrite: true });
    expect((await readHistory(tiny.out)).at(-1)).toMatchObject({ type: "end", step: 2 });
    expect((await readHistory(tiny.out)).filter(({ type }) => type === "start")).toHaveLength(1);
    const outputDir = `${tiny.out}-early`;
    await mkdir(outputDir);
    await cp(path(), path(outputDir));
    await run({ maxSteps: 2, outputDir });
    expect(await course(outputDir)).toEqual(await course());
  });

  it("begins at the checkpoint in a directory of a version that kept none", async () => {
    await run({ ...OPTIONS });
    await rm(path());
    await rm(join(tiny.out, "checkpoints", "step-00000012"), { recursive: true });
    await run({ ...OPTIONS, resume: true });
    const entries = outline(await readHistory(tiny.out));
    expect(entries.slice(0, 4)).toEqual(["start 10", "step 12", "evaluation 12", "checkpoint 12"]);
  });

  it("ends the run with one clear error where it cannot be written", async () => {
    await mkdir(path(), { recursive: true });
    await expect(run({ maxSteps: 2 })).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringContaining("history.jsonl: "),
    });
  });

  it("ends the run when the disk is full, and can be read to its last whole line", async (context) => {
    const disk = await smallDisk(3_000_000);
    if (disk === undefined) return context.skip("needs the right to mount a tmpfs");
    try {
      const outputDir = join(disk.folder, "out");
      const options = { ...tiny.base, dev: undefined, outputDir, logEvery: 1, epochs: 9, saveEvery: 999 };
      const running = async () => {
        for await (const event of trainRun(options)) {
          if (event.type !== "start") continue;
          await writeFile(join(disk.folder, "filler"), Buffer.alloc(4_000_000)).catch(() => {});
        }
      };
      await expect(running()).rejects.toMatchObject({
        code: "ERR_FINETAG_IO",
        message: expect.stringContaining(`${path(outputDir)}: no space left on the device; free space`),
      });
      expect((await readHistory(outputDir)).at(-1)!.type).toBe("step");
      await rm(join(disk.folder, "filler"));
      await run({ ...options, maxSteps: 3, resume: true });
      expect(outline(await readHistory(outputDir)).at(-1)).toBe("end 3");
    } finally {
      await disk.release();
    }
  });

  it("is synced to the disk before a checkpoint is written", async () => {
    const running = async () => {
      for await (const event of trainRun({ ...tiny.base, outputDir: tiny.out, maxSteps: 4, saveEvery: 2 })) {
        if (event.type !== "step" || event.step !== 2) continue;
        // A file of this name that cannot be synced; the run itself writes on into the one that it has open.
        await rm(path());
        await symlink("/dev/null", path());
      }
    };
    await expect(running()).rejects.toMatchObject({
      code: "ERR_FINETAG_IO",
      message: expect.stringContaining(`${path()}: `),
    });
    expect(await readdir(join(tiny.out, "checkpoints")).catch(() => [])).toEqual([]);
  });

  it("is not written when the input is refused", async () => {
    await expect(run({ bestMetric: "f1" })).rejects.toThrow("did you mean micro_f1?");
    await expect(readHistory(tiny.out)).rejects.toMatchObject({ code: "ERR_FINETAG_IO" });
  });
});

describe("readHistory", () => {
  it("leaves out a last line that is not whole, and refuses what finetag did not write", async () => {
    await run({ maxSteps: 1 });
    const whole = await readHistory(tiny.out);
    await appendFile(path(), '{"type":"step","time":"20');
    expect(await readHistory(tiny.out)).toEqual(whole);
    await appendFile(path(), `\n${JSON.stringify(whole.at(-1))}\n`);
    await expect(readHistory(tiny.out)).rejects.toMatchObject({
      code: "ERR_FINETAG_DATA",
      message: `${path()}:${whole.length + 1}: not an entry of a run's history; remove the line`,
    });
    await writeFile(path(), `${JSON.stringify({ ...whole[0], version: 2 })}\n`);
    await expect(readHistory(tiny.out)).rejects.toMatchObject({
      code: "ERR_FINETAG_DATA",
      message: expect.stringContaining("format 2, but this finetag reads format 1"),
    });
  });
});
