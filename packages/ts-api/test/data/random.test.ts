import { describe, expect, test } from "vitest";
import { devSplit, Random, shuffle } from "../../src/data/index.ts";
import { permutation, splitMix64 } from "../../src/data/random.ts";
import { errorOf } from "./helpers.ts";

const take = (random: Random, count: number) => Array.from({ length: count }, () => random.nextUint32());

describe("Random", () => {
  test("is xoshiro128**: the published outputs from the state 1, 2, 3, 4", () => {
    // Blackman and Vigna's xoshiro128starstar.c; also in the tests of the rand_xoshiro crate.
    expect(take(Random.from([1, 2, 3, 4]), 10)).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test("is seeded by SplitMix64: the published outputs for 1477776061723855037", () => {
    // Vigna's splitmix64.c; also in the tests of the rand_xoshiro crate.
    let state = 1477776061723855037n;
    const values = Array.from({ length: 5 }, () => {
      const next = splitMix64(state);
      state = next.state;
      return next.value;
    });
    expect(values).toEqual([
      1985237415132408290n,
      2979275885539914483n,
      13511426838097143398n,
      8488337342461049707n,
      15141737807933549159n,
    ]);
  });

  test("a seed and a stream fix the numbers for good", () => {
    expect(take(new Random(42), 3)).toMatchInlineSnapshot(`
      [
        1552505907,
        4113083374,
        3991650357,
      ]
    `);
    expect(take(new Random(42, 1), 3)).toMatchInlineSnapshot(`
      [
        2247994720,
        984428785,
        1122970732,
      ]
    `);
    expect(take(new Random(-1), 3)).toMatchInlineSnapshot(`
      [
        2381295930,
        548049140,
        484646835,
      ]
    `);
    const first = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      for (let stream = 0; stream < 50; stream++) first.add(take(new Random(seed, stream), 2).join());
    }
    expect(first.size).toBe(2500);
  });

  test("goes on from a saved state, through JSON", () => {
    const random = new Random(7);
    take(random, 5);
    const saved = JSON.parse(JSON.stringify(random.getState()));
    const expected = take(random, 5);
    expect(take(Random.from(saved), 5)).toEqual(expected);
  });

  test("refuses a seed or a state that is none", async () => {
    expect(await errorOf(Promise.resolve().then(() => new Random(1.5)))).toBe(
      "ARGUMENT the seed 1.5 is not an integer below 2^53",
    );
    for (const state of [[0, 0, 0, 0], [1, 2, 3], [1, 2, 3, -4], [1, 2, 3, 2 ** 32], "x", null]) {
      expect(await errorOf(Promise.resolve().then(() => Random.from(state as never)))).toMatch(
        /^CHECKPOINT .+ is not a state/,
      );
    }
  });

  test("below() is uniform, also where 2^32 is no multiple", () => {
    const random = new Random(3);
    const bound = 3_000_000_000; // A plain remainder would give the lower 1.29e9 twice as often.
    let low = 0;
    for (let i = 0; i < 20_000; i++) {
      const value = random.below(bound);
      expect(value).toBeLessThan(bound);
      if (value < bound / 2) low++;
    }
    // Binomial(20000, 1/2) has a standard deviation of 71; with the remainder low would be about 12,000.
    expect(Math.abs(low - 10_000)).toBeLessThan(5 * 71);
    expect(random.below(1)).toBe(0);
  });
});

describe("shuffle", () => {
  test("every order is equally likely", () => {
    const random = new Random(11);
    const counts = new Map<string, number>();
    const rounds = 24_000;
    for (let i = 0; i < rounds; i++) {
      const order = shuffle([0, 1, 2, 3], random).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = rounds / 24;
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(49.7); // The 0.999 quantile for 23 degrees of freedom.
  });

  test("in place; typed arrays and permutations", () => {
    const array = Uint32Array.of(5, 6, 7);
    expect(shuffle(array, new Random(1))).toBe(array);
    expect(permutation(1000, new Random(1)).toSorted()).toEqual(
      Uint32Array.from({ length: 1000 }, (_, i) => i),
    );
    expect(permutation(0, new Random(1))).toEqual(new Uint32Array(0));
  });
});

describe("devSplit", () => {
  test.each([
    [10, 0.1, 1],
    [10, 0.25, 3],
    [5, 0.01, 1],
    [43_410, 0.1, 4341],
    [2, 0.9, undefined],
    [2, 0.5, 1],
  ])("%d rows, %d of them", async (count, fraction, expected) => {
    if (expected === undefined) {
      expect(await errorOf(Promise.resolve().then(() => devSplit(count, fraction, 1)))).toMatch(
        /^DATA `devSplit: 0.9` leaves none of 2 rows/,
      );
      return;
    }
    const { train, dev } = devSplit(count, fraction, 1);
    expect(dev.length).toBe(expected);
    expect([...train, ...dev].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(dev).toEqual(dev.toSorted());
    expect(train).toEqual(train.toSorted());
    expect(devSplit(count, fraction, 1).dev).toEqual(dev);
  });

  test("another seed, another split; the same seed for good", () => {
    expect([...devSplit(100, 0.05, 1).dev]).toMatchInlineSnapshot(`
      [
        4,
        31,
        51,
        54,
        64,
      ]
    `);
    expect(devSplit(100, 0.05, 2).dev).not.toEqual(devSplit(100, 0.05, 1).dev);
  });

  test.each([0, 1, -0.1, 1.5, Number.NaN])("refuses the fraction %d", async (fraction) => {
    expect(await errorOf(Promise.resolve().then(() => devSplit(10, fraction, 1)))).toMatch(
      /is not between 0 and 1/,
    );
  });
});
