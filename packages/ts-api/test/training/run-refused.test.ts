import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TrainOptions } from "../../src/options/schema.ts";
import { openSafetensors } from "../../src/weights/index.ts";
import { setUpRuns } from "./runs.ts";

const tiny = setUpRuns("run-refused");
const { run, weights } = tiny;

describe("what a run refuses", () => {
  it("an output directory that holds a run, unless told what to do with it", async () => {
    await run({ maxSteps: 2 });
    const before = await weights();
    await expect(run({ maxSteps: 2 })).rejects.toThrow(
      /already holds a run; continue with `resume: true`, start over/,
    );
    await expect(run({ resume: true, overwrite: true })).rejects.toThrow(
      "both `resume` and `overwrite` are given",
    );
    await expect(run({ outputDir: tiny.base.model })).rejects.toThrow(
      "it is the directory of the model to start from",
    );
    await expect(run({ outputDir: tiny.base.train! })).rejects.toThrow("it is a file");
    expect((await weights()).equals(before)).toBe(true);
    await run({ maxSteps: 3, overwrite: true });
    expect(await readdir(join(tiny.out, "checkpoints"))).toEqual(["step-00000003"]);
  });

  it.each([
    [{ maxLength: 65 }, "ERR_FINETAG_ARGUMENT", "`maxLength: 65` is more than the 64 positions of "],
    [{ bestMetric: "f1" }, "ERR_FINETAG_ARGUMENT", "did you mean micro_f1?"],
    [
      { train: undefined },
      "ERR_FINETAG_ARGUMENT",
      "there is no training data; give a file (`train`) or a folder (`dataDir`)",
    ],
    [{ devSplit: 0.1 }, "ERR_FINETAG_ARGUMENT", "both `devSplit` and the dev file "],
    [{ dev: undefined, earlyStopping: 1 }, "ERR_FINETAG_ARGUMENT", "`earlyStopping` needs dev data"],
    [{ device: "cuda:99" }, "ERR_FINETAG_DEVICE", "there is no device cuda:99"],
  ])("%j", async (changes, code, message) => {
    await expect(run(changes as Partial<TrainOptions>)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    await expect(readdir(tiny.out)).rejects.toThrow("ENOENT");
  });

  it("a loss that is not a number, naming the step and the last good checkpoint", async () => {
    const changes = {
      learningRate: 1e30,
      warmupRatio: 0.1, // a first step at rate 0, whose checkpoint is good
      maxGradNorm: 0,
      saveEvery: 1,
      weightDecay: 0,
    } as const;
    await expect(run({ ...changes, dev: undefined })).rejects.toMatchObject({
      code: "ERR_FINETAG_DIVERGED",
      message: expect.stringMatching(
        /^step \d+: the (loss|gradient norm) is .*; the last good checkpoint is .*step-0000000\d; use a lower `learningRate` or a higher `warmupRatio`$/,
      ),
    });
    for (const name of await readdir(join(tiny.out, "checkpoints"))) {
      const file = await openSafetensors(join(tiny.out, "checkpoints", name, "model.safetensors"));
      for (const entry of file.entries())
        expect((await file.read(entry.name)).every(Number.isFinite)).toBe(true);
      await file.close();
    }
    await expect(weights()).rejects.toThrow("ENOENT");
  });
});
