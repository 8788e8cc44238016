import { describe, expect, it } from "vitest";
import { isDue, locateStep, planSteps } from "../../../src/training/data/plan.ts";

const options = { batchSize: 32, gradientAccumulation: 1, epochs: 3, warmupRatio: 0.1 };

describe("planSteps", () => {
  it("counts as Hugging Face Trainer does", () => {
    expect(planSteps(43_410, options)).toMatchObject({
      stepsPerEpoch: 1357,
      totalSteps: 4071,
      warmupSteps: 408,
    });
    expect(planSteps(100, { ...options, gradientAccumulation: 3 })).toMatchObject({
      batchesPerEpoch: 4,
      stepsPerEpoch: 2,
      totalSteps: 6,
      warmupSteps: 1,
    });
    expect(planSteps(1, { ...options, gradientAccumulation: 8 })).toMatchObject({
      stepsPerEpoch: 1,
      totalSteps: 3,
    });
    expect(planSteps(320, { ...options, epochs: 0.25 })).toMatchObject({ totalSteps: 3, warmupSteps: 1 });
    expect(planSteps(320, { ...options, maxSteps: 7, epochs: 100 })).toMatchObject({ totalSteps: 7 });
    expect(planSteps(320, { ...options, warmupRatio: 0 }).warmupSteps).toBe(0);
  });

  it("finds a step's epoch and place", () => {
    const plan = planSteps(100, { ...options, gradientAccumulation: 3 });
    expect([0, 1, 2, 5].map((step) => locateStep(plan, step))).toEqual([
      { epoch: 0, position: 0 },
      { epoch: 0, position: 1 },
      { epoch: 1, position: 0 },
      { epoch: 2, position: 1 },
    ]);
  });

  it("is due each N steps or each epoch, and at the end", () => {
    const plan = planSteps(320, { ...options, epochs: 1.5 });
    const due = (every: number | "epoch") => [...Array(16).keys()].filter((step) => isDue(plan, every, step));
    expect(due("epoch")).toEqual([10, 15]);
    expect(due(4)).toEqual([4, 8, 12, 15]);
    expect(due(100)).toEqual([15]);
  });
});
