import { describe, expect, it } from "vitest";
import { Random } from "../../../src/data/index.ts";
import { BLOCK_ROWS, TokenStore } from "../../../src/engine/index.ts";
import { BatchStream } from "../../../src/training/data/batches.ts";
import { groupByLength } from "../../../src/training/data/group-by-length.ts";
import { planSteps } from "../../../src/training/data/plan.ts";

/** Row i is the tokens [i, i]. */
function numbered(count: number) {
  const store = new TokenStore(2);
  const ids = Int32Array.from({ length: count * 2 }, (_, i) => i >> 1);
  const cuSeqlens = Int32Array.from({ length: count + 1 }, (_, i) => i * 2);
  const labels = Array.from({ length: count }, (_, i) => ({ labels: [i % 2] }));
  store.append({ ids, tokenTypes: new Int32Array(ids.length), cuSeqlens, truncated: 0 }, labels);
  return { store, rows: Uint32Array.from({ length: count }, (_, i) => i) };
}

const options = { batchSize: 8, gradientAccumulation: 3, epochs: 2, warmupRatio: 0 };

async function collect(seed: number, steps: number[]) {
  const split = numbered(53);
  const stream = new BatchStream(split, planSteps(53, options), { seed, groupByLength: false });
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
    const { batches, rows, tokens } = await new BatchStream(split, planSteps(53, options), {
      seed: 1,
      groupByLength: false,
    }).step(2);
    expect(batches.map(({ cuSeqlens }) => cuSeqlens.length - 1)).toEqual([5]);
    expect({ rows, tokens }).toEqual({ rows: 5, tokens: 10 });
    const first = batches[0]!;
    expect([...first.labels!]).toEqual(
      [...first.ids].filter((_, i) => i % 2 === 0).flatMap((row) => (row % 2 === 0 ? [1, 0] : [0, 1])),
    );
  });
});

/** Row i has 2 to 41 tokens, all with the id i. */
function uneven(count: number) {
  const store = new TokenStore(1);
  for (let from = 0; from < count; from += BLOCK_ROWS) {
    const block = Array.from({ length: Math.min(BLOCK_ROWS, count - from) }, (_, i) => from + i);
    const tokens = block.map((row) => Array<number>(2 + ((row * 7919) % 40)).fill(row));
    const cuSeqlens = new Int32Array(block.length + 1);
    for (const [i, { length }] of tokens.entries()) cuSeqlens[i + 1] = cuSeqlens[i]! + length;
    const ids = Int32Array.from(tokens.flat());
    const encoded = { ids, tokenTypes: new Int32Array(ids.length), cuSeqlens, truncated: 0 };
    store.append(
      encoded,
      block.map(() => ({ labels: [] })),
    );
  }
  return { store, rows: Uint32Array.from({ length: count }, (_, i) => i) };
}

describe("BatchStream, grouping by length", () => {
  it("makes the same steps of small batches, accumulated, as of large ones", async () => {
    const steps = async (batchSize: number, gradientAccumulation: number) => {
      const data = uneven(8 * 30 + 5);
      const cut = planSteps(data.rows.length, { ...options, batchSize, gradientAccumulation });
      const stream = new BatchStream(data, cut, { seed: 3, groupByLength: true });
      const found: number[][] = [];
      for (let i = 0; i < cut.stepsPerEpoch; i++) {
        found.push((await stream.step(i)).batches.flatMap(({ ids }) => [...ids]));
      }
      return found;
    };
    expect(await steps(2, 4)).toEqual(await steps(8, 1));
  });

  const ROWS = 8 * 220 + 3; // 5 windows, the last of 20 batches, and a short batch
  const plan = planSteps(ROWS, { ...options, gradientAccumulation: 1 });
  const split = uneven(ROWS);

  /** The rows of each batch of an epoch. */
  async function epoch(index: number, seed = 5, groupByLength = true): Promise<number[][]> {
    const stream = new BatchStream(split, plan, { seed, groupByLength });
    const batches: number[][] = [];
    for (let i = 0; i < plan.stepsPerEpoch; i++) {
      const { batches: micro } = await stream.step(index * plan.stepsPerEpoch + i);
      for (const { ids, cuSeqlens } of micro) {
        batches.push([...cuSeqlens.subarray(0, -1)].map((start) => ids[start]!));
      }
    }
    return batches;
  }
  const lengths = (batch: number[]) => batch.map((row) => split.store.length(row));
  const spread = (batch: number[]) => Math.max(...lengths(batch)) - Math.min(...lengths(batch));

  it("keeps rows, steps and sizes, and the short last batch as it is without", async () => {
    const grouped = await epoch(0);
    const plain = await epoch(0, 5, false);
    expect(grouped.map(({ length }) => length)).toEqual(plain.map(({ length }) => length));
    expect(grouped.flat().toSorted((a, b) => a - b)).toEqual([...Array(ROWS).keys()]);
    expect(grouped.at(-1)).toEqual(plain.at(-1));
    expect(grouped.at(-1)).toHaveLength(3);
    // The rows of a window are those of the same stretch of the plain order.
    for (const [start, end] of [
      [0, 50],
      [200, 220],
    ]) {
      expect(grouped.slice(start, end).flat().toSorted()).toEqual(plain.slice(start, end).flat().toSorted());
    }
  });

  it("makes batches of about one length, in random order", async () => {
    const grouped = (await epoch(0)).slice(0, -1);
    // 400 rows of 40 lengths: ten of each, so a batch of eight has two lengths or three.
    expect(Math.max(...grouped.slice(0, 200).map(spread))).toBeLessThan(6);
    const means = grouped.slice(0, 50).map((batch) => Math.round(lengths(batch).reduce((a, b) => a + b) / 8));
    const rises = means.slice(1).filter((mean, i) => mean > means[i]!).length;
    expect(rises).toBeGreaterThan(10);
    expect(rises).toBeLessThan(40);
  });

  it("depends on seed and epoch alone", async () => {
    expect(await epoch(1)).toEqual(await epoch(1));
    expect(await epoch(0)).not.toEqual(await epoch(1));
    expect(await epoch(0)).not.toEqual(await epoch(0, 6));
    const stream = new BatchStream(split, plan, { seed: 5, groupByLength: true });
    const [late, early] = [await stream.step(plan.stepsPerEpoch + 7), await stream.step(7)];
    expect(late.batches[0]!.ids[0]).toBe((await epoch(1))[7]![0]);
    expect(early.batches[0]!.ids[0]).toBe((await epoch(0))[7]![0]);
  });

  it("leaves four windows to small data, and works on less than a batch", async () => {
    const small = uneven(80);
    const order = small.rows.slice();
    await groupByLength(order, 8, small.store, new Random(1));
    for (const start of [0, 16, 32, 48, 64]) {
      expect([...order.slice(start, start + 16)].toSorted()).toEqual(
        [...small.rows.slice(start, start + 16)].toSorted(),
      );
    }
    const few = small.rows.slice(0, 5);
    await groupByLength(few, 8, small.store, new Random(1));
    expect([...few]).toEqual([0, 1, 2, 3, 4]);
  });
});
