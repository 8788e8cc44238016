import { describe, expect, it } from "vitest";
import { TokenStore } from "../../src/engine/index.ts";
import { BatchStream } from "../../src/training/batches.ts";
import { planSteps } from "../../src/training/plan.ts";

/** Row i is the tokens [i, i]. */
function numbered(count: number) {
  const store = new TokenStore(2);
  const ids = Int32Array.from({ length: count * 2 }, (_, i) => i >> 1);
  const cuSeqlens = Int32Array.from({ length: count + 1 }, (_, i) => i * 2);
  const labels = Array.from({ length: count }, (_, i) => [i % 2]);
  store.append({ ids, tokenTypes: new Int32Array(ids.length), cuSeqlens, truncated: 0 }, labels);
  return { store, rows: Uint32Array.from({ length: count }, (_, i) => i) };
}

const options = { batchSize: 8, gradientAccumulation: 3, epochs: 2, warmupRatio: 0 };

async function collect(seed: number, steps: number[]) {
  const split = numbered(53);
  const stream = new BatchStream(split, planSteps(53, options), seed);
  const collected: number[][] = [];
  for (const step of steps) {
    const { batches } = await stream.step(step);
    collected.push(batches.flatMap(({ ids }) => [...ids].filter((_, i) => i % 2 === 0)));
  }
  return collected;
}

describe("BatchStream", () => {
  it("gives each row once an epoch, in another order each epoch", async () => {
    const steps = await collect(1, [0, 1, 2, 3, 4, 5]);
    expect(steps.map((rows) => rows.length)).toEqual([24, 24, 5, 24, 24, 5]);
    const epochs = [steps.slice(0, 3).flat(), steps.slice(3).flat()];
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([...Array(53).keys()]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("gives a step the same batches whatever was asked before", async () => {
    const straight = await collect(7, [0, 1, 2, 3, 4, 5]);
    expect(await collect(7, [5, 0, 3])).toEqual([straight[5], straight[0], straight[3]]);
    expect(await collect(8, [0])).not.toEqual([straight[0]]);
  });

  it("cuts a step into micro-batches, the last short", async () => {
    const split = numbered(53);
    const { batches, rows, tokens } = await new BatchStream(split, planSteps(53, options), 1).step(2);
    expect(batches.map(({ cuSeqlens }) => cuSeqlens.length - 1)).toEqual([5]);
    expect({ rows, tokens }).toEqual({ rows: 5, tokens: 10 });
    const first = batches[0]!;
    expect([...first.labels!]).toEqual(
      [...first.ids].filter((_, i) => i % 2 === 0).flatMap((row) => (row % 2 === 0 ? [1, 0] : [0, 1])),
    );
  });
});
