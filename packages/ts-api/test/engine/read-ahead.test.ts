import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ReadAhead, readAhead } from "../../src/engine/read-ahead.ts";

/** Counts from 0; tells how far it was read and whether it was ended. */
function counter(end: number) {
  const state = { read: 0, ended: false };
  async function* numbers() {
    try {
      while (state.read < end) yield state.read++;
    } finally {
      state.ended = true;
    }
  }
  return { state, numbers: numbers() };
}

describe("ReadAhead", () => {
  it("gives what has come, in order, and nothing at the end", async () => {
    const ahead = new ReadAhead(counter(10).numbers, 4);
    const taken: number[] = [];
    for (let items = await ahead.take(); items.length > 0; items = await ahead.take()) {
      expect(items.length).toBeLessThanOrEqual(4);
      taken.push(...items);
    }
    expect(taken).toEqual([...Array(10).keys()]);
    expect(await ahead.take()).toEqual([]);
  });

  it("reads no further than its limit, and nothing before the first take", async () => {
    const { state, numbers } = counter(1000);
    const ahead = new ReadAhead(numbers, 6, (n) => (n % 2 === 0 ? 1 : 2));
    await turn();
    expect(state.read).toBe(0);
    expect(await ahead.take(true)).toEqual([0, 1, 2, 3]);
    await turn();
    expect(state.read).toBe(8);
  });

  it("waits for a full window where it is asked to, else not", async () => {
    const arrivals: (() => void)[] = [];
    async function* slow() {
      for (let i = 0; i < 5; i++) {
        await new Promise<void>((resolve) => arrivals.push(resolve));
        yield i;
      }
    }
    const arrive = async () => {
      await turn();
      arrivals.shift()!();
    };
    const ahead = new ReadAhead(slow(), 3);
    const first = ahead.take();
    await arrive();
    expect(await first).toEqual([0]);
    let isDone = false;
    const second = ahead.take(true).finally(() => {
      isDone = true;
    });
    for (let i = 0; i < 2; i++) await arrive();
    await turn();
    expect(isDone).toBe(false);
    await arrive();
    expect(await second).toEqual([1, 2, 3]);
    const last = ahead.take(true);
    await arrive();
    expect(await last).toEqual([4]);
  });

  it("throws what the source threw after what came before it", async () => {
    function* broken() {
      yield 1;
      throw new Error("on purpose");
    }
    const ahead = new ReadAhead(broken(), 8);
    expect(await ahead.take()).toEqual([1]);
    await expect(ahead.take()).rejects.toThrow("on purpose");
  });

  it("ends its source when it is closed, and does not wait for one that is stuck", async () => {
    const { state, numbers } = counter(1000);
    const ahead = new ReadAhead(numbers, 2);
    await ahead.take();
    await ahead.close();
    await turn();
    expect(state.ended).toBe(true);
    expect(await ahead.take()).toEqual([]);

    let returned = false;
    const stuck: AsyncIterableIterator<number> = {
      [Symbol.asyncIterator]: () => stuck,
      next: () => new Promise(() => {}),
      return: () => {
        returned = true;
        return new Promise(() => {});
      },
    };
    const waiting = new ReadAhead(stuck, 2);
    const take = waiting.take();
    await turn();
    await waiting.close();
    expect(await take).toEqual([]);
    expect(returned).toBe(true);
  });
});

describe("readAhead", () => {
  it("makes the next item while one is in use, and no more", async () => {
    const { state, numbers } = counter(5);
    const seen: number[] = [];
    for await (const n of readAhead(numbers)) {
      await turn();
      expect(state.read).toBe(Math.min(n + 2, 5));
      seen.push(n);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(state.ended).toBe(true);
  });

  it("ends its source when its reader leaves", async () => {
    const { state, numbers } = counter(5);
    for await (const _ of readAhead(numbers)) break;
    expect(state.ended).toBe(true);
  });
});
