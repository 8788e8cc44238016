import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readHistory, type TrainEvent } from "../../src/report/index.ts";
import { trainRun } from "../../src/training/pipeline/run.ts";
import { only, setUpRuns, timeless } from "./runs.ts";
import { tinyRows, writeTinyCsv } from "./tiny.ts";

const tiny = setUpRuns("run-resumed");
const { run, weights, metrics } = tiny;

describe("a resumed run", () => {
  it.each([
    ["a step at a time", false],
    ["the next step in the engine's queue, as on a GPU", true],
  ])("has the bits of one that never stopped, wherever it was aborted: %s", async (_, queueSteps) => {
    const straight = `${tiny.out}-straight`;
    const options = { epochs: 2, evalEvery: 7, saveEvery: 5, gradientAccumulation: 2 } as const;
    await run({ ...options, outputDir: straight });

    for (const stopAt of [1, 6, 7, 14, 19]) {
      const abort = new AbortController();
      const events: TrainEvent[] = [];
      const outputDir = `${tiny.out}-${stopAt}`;
      const context = { signal: abort.signal, queueSteps };
      for await (const event of trainRun({ ...tiny.base, ...options, outputDir }, context)) {
        events.push(event);
        if (event.type === "step" && event.step === stopAt) abort.abort();
      }
      // What waits in the queue is done, unless something comes between the two steps.
      const stopped = queueSteps && stopAt % 5 !== 0 && stopAt % 7 !== 0 ? stopAt + 1 : stopAt;
      expect(events.at(-1)).toMatchObject({ type: "stop", reason: "aborted", step: stopped });
      expect(only(events, "step").at(-1)!.step).toBe(stopped);
      expect(only(events, "checkpoint").at(-1)!.step).toBe(stopped);

      const resumed = await run({ ...options, outputDir, resume: true });
      expect(only(resumed, "start")[0]!.step).toBe(stopped);
      // The first evaluation says once that no label passed the threshold.
      expect(only([...events, ...resumed], "warning")).toMatchObject([
        { message: expect.stringContaining("above the threshold 0.5") },
      ]);
      expect((await weights(outputDir)).equals(await weights(straight))).toBe(true);
      expect(timeless(await metrics(outputDir))).toEqual(timeless(await metrics(straight)));
      for (const file of ["model", "optimizer"]) {
        const path = join("checkpoints", "step-00000020", `${file}.safetensors`);
        expect((await readFile(join(outputDir, path))).equals(await readFile(join(straight, path)))).toBe(
          true,
        );
      }
    }
  });

  it("stops within a batch while it evaluates, and evaluates again", async () => {
    const options = { maxSteps: 6, evalEvery: 3, evalBatchSize: 8 } as const;
    await run({ ...options, outputDir: `${tiny.out}-straight` });
    const abort = new AbortController();
    for await (const event of trainRun(
      { ...tiny.base, ...options, outputDir: tiny.out },
      { signal: abort.signal },
    )) {
      if (event.type === "evaluating") {
        expect(event.rows).toBeLessThan(40);
        if (event.rows > 20) abort.abort();
      }
    }
    await run({ ...options, resume: true });
    expect(timeless(await metrics())).toEqual(timeless(await metrics(`${tiny.out}-straight`)));
  });

  it("writes its last checkpoint again after the evaluation before which it was stopped", async () => {
    const stateOf = async (outputDir: string, step: string) => {
      const state = await readFile(
        join(outputDir, "checkpoints", `step-0000000${step}`, "state.json"),
        "utf8",
      );
      const { sums, options: _, ...rest } = JSON.parse(state);
      return { ...rest, sums: { ...sums, trainSeconds: 0, totalSeconds: 0, peakRssMb: 0 } };
    };
    const options = { maxSteps: 6, evalEvery: 3, saveEvery: 3 } as const;
    const straight = `${tiny.out}-straight`;
    await run({ ...options, outputDir: straight });
    for (const stopAt of [3, 6]) {
      const outputDir = `${tiny.out}-${stopAt}`;
      await tiny.abort({ ...options, outputDir }, (event) => event.type === "step" && event.step === stopAt);
      expect((await stateOf(outputDir, String(stopAt))).evaluatedStep).toBe(stopAt - 3);
      const resumed = await run({ ...options, outputDir, resume: true });
      expect(only(resumed, "checkpoint").map(({ step }) => step)).toEqual(stopAt === 3 ? [3, 6] : [6]);
      for (const step of ["3", "6"])
        expect(await stateOf(outputDir, step)).toEqual(await stateOf(straight, step));
      const entries = (await readHistory(outputDir)).map(({ type, step }) => `${type} ${step}`);
      expect(entries).toEqual((await readHistory(straight)).map(({ type, step }) => `${type} ${step}`));
    }
  });

  it("removes the checkpoint that a kill before the pruning left", async () => {
    await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3 });
    const names = () => readdir(join(tiny.out, "checkpoints"));
    expect(await names()).toHaveLength(3);
    const options = { maxSteps: 6, saveEvery: 2, keepCheckpoints: 2, resume: true } as const;
    await tiny.abort(options, (event) => event.type === "start");
    expect((await names()).sort()).toEqual(["step-00000004", "step-00000006"]);
  });

  it.each([
    ["no JSON", "its state.json is not JSON; the checkpoint is skipped"],
    ["7", "its state.json is not JSON; the checkpoint is skipped"],
    ['{"version":1,"step":6}', "its state.json is damaged (epoch: "],
    ["[]", "its state.json is damaged"],
  ])("goes on from the older checkpoint if the manifest agrees with a state of %j", async (text, said) => {
    await run({ maxSteps: 6, saveEvery: 3 });
    const before = await weights();
    const folder = join(tiny.out, "checkpoints", "step-00000006");
    const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
    await writeFile(join(folder, "state.json"), text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    manifest.files["state.json"] = { bytes: text.length, sha256 };
    await writeFile(join(folder, "manifest.json"), JSON.stringify(manifest));
    const events = await run({ maxSteps: 6, saveEvery: 3, resume: true });
    expect(only(events, "warning")[0]!.message).toContain(said);
    expect(only(events, "start")[0]!.step).toBe(3);
    expect((await weights()).equals(before)).toBe(true);
  });

  it("stops while it evaluates the test data, and does so again", async () => {
    const abort = new AbortController();
    const events: TrainEvent[] = [];
    const options = { ...tiny.base, maxSteps: 3, evalBatchSize: 8 };
    for await (const event of trainRun({ ...options, outputDir: tiny.out }, { signal: abort.signal })) {
      events.push(event);
      if (event.type === "evaluating" && event.split === "test") abort.abort();
    }
    expect(events.at(-1)).toMatchObject({ type: "stop", step: 3 });
    await expect(metrics()).rejects.toThrow("ENOENT");
    expect(only(await run({ ...options, resume: true }), "end")[0]!.metrics.test!.rows).toBe(80);
  });

  it("never drops a checkpoint for a damaged one of a later step", async () => {
    await run({ maxSteps: 4, saveEvery: 2, keepCheckpoints: 2 });
    await truncate(join(tiny.out, "checkpoints", "step-00000004", "state.json"), 10);
    const abort = new AbortController();
    const options = {
      ...tiny.base,
      maxSteps: 4,
      saveEvery: 1,
      keepCheckpoints: 1,
      resume: true,
      outputDir: tiny.out,
    };
    for await (const event of trainRun(options, { signal: abort.signal })) {
      if (event.type === "step") abort.abort();
    }
    expect((await readdir(join(tiny.out, "checkpoints"))).sort()).toEqual(["step-00000003", "step-00000004"]);
    expect(only(await run({ ...options }), "start")[0]!.step).toBe(3);
    expect(await readdir(join(tiny.out, "checkpoints"))).toEqual(["step-00000004"]);
  });

  it("writes TensorBoard events next to those of the first part", async () => {
    await run({ maxSteps: 2, tensorboard: true });
    await run({ maxSteps: 2, tensorboard: true, resume: true });
    expect((await readdir(join(tiny.out, "runs"))).length).toBe(2);
  });

  it("takes the newest whole checkpoint, and starts anew where there is none", async () => {
    await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3 });
    const before = await weights();
    const damaged = join(tiny.out, "checkpoints", "step-00000006", "optimizer.safetensors");
    await truncate(damaged, 100);
    const events = await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3, resume: true });
    expect(only(events, "warning")[0]!.message).toMatch(
      /step-00000006: optimizer.safetensors has 100 bytes instead of/,
    );
    expect(only(events, "start")[0]!.step).toBe(4);
    expect((await weights()).equals(before)).toBe(true);

    // What a crash leaves that comes while a checkpoint is replaced by one of the same step.
    const checkpoints = join(tiny.out, "checkpoints");
    for (const step of ["step-00000002", "step-00000004"])
      await rm(join(checkpoints, step), { recursive: true, force: true });
    await rename(join(checkpoints, "step-00000006"), join(checkpoints, ".step-00000006.finetag-older"));
    const put = await run({ maxSteps: 6, saveEvery: 2, keepCheckpoints: 3, resume: true });
    expect(only(put, "start")[0]!.step).toBe(6);

    await rm(join(tiny.out, "checkpoints"), { recursive: true });
    const anew = await run({ maxSteps: 6, resume: true });
    expect(only(anew, "warning")[0]!.message).toMatch(
      /no complete checkpoint found; the run starts from the beginning/,
    );
    expect((await weights()).equals(before)).toBe(true);
  });

  it("puts back the best model that its checkpoint knows", async () => {
    // What a process leaves that is killed after a better model was saved, before the next checkpoint.
    const options = { maxSteps: 12, evalEvery: 4, saveEvery: 100 } as const;
    await run({ ...options });
    const final = await weights();
    const abort = new AbortController();
    const outputDir = `${tiny.out}-killed`;
    for await (const event of trainRun({ ...tiny.base, ...options, outputDir }, { signal: abort.signal })) {
      if (event.type === "step" && event.step === 5) abort.abort();
    }
    const recorded = await weights(outputDir);
    await writeFile(join(outputDir, "model.safetensors"), final);
    const again = new AbortController();
    for await (const event of trainRun(
      { ...tiny.base, ...options, outputDir, resume: true },
      { signal: again.signal },
    )) {
      if (event.type === "start") again.abort();
    }
    expect((await weights(outputDir)).equals(recorded)).toBe(true);
    await run({ ...options, outputDir, resume: true });
    expect((await weights(outputDir)).equals(final)).toBe(true);
  });

  it("refuses changed options and data", async () => {
    await run({ maxSteps: 2 });
    await expect(run({ maxSteps: 2, resume: true, learningRate: 1e-3 })).rejects.toMatchObject({
      code: "ERR_FINETAG_CHECKPOINT",
      message: expect.stringContaining("`learningRate` is 0.001, but "),
    });
    const train = await writeTinyCsv(join(tiny.folder, "changed.csv"), tinyRows(300, 99));
    await expect(run({ maxSteps: 2, resume: true, train })).rejects.toThrow("the train data is ");
    const warned = only(await run({ maxSteps: 2, resume: true, threads: 2 }), "warning");
    expect(warned.map(({ message }) => message)).toEqual([expect.stringContaining("`threads` was 1")]);
  });
});
