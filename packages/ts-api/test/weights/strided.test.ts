import { describe, expect, it } from "vitest";
import { Random } from "../../src/data/index.ts";
import { isContiguous, putTransposed, spanOf, toRowMajor } from "../../src/weights/strided.ts";

/** By the definition of a stride, an element at a time. */
function byDefinition(items: readonly number[], shape: number[], stride: number[], offset = 0): number[] {
  const [size, ...rest] = shape;
  if (size === undefined) return [items[offset]!];
  const [step, ...steps] = stride;
  return Array.from({ length: size }, (_, i) => byDefinition(items, rest, steps, offset + i * step!)).flat();
}

describe("toRowMajor", () => {
  it.each([
    [
      [5, 7],
      [1, 5],
    ],
    [
      [130, 70],
      [1, 130],
    ],
    [
      [70, 130],
      [260, 2],
    ],
    [
      [64, 8],
      [1, 64],
    ],
    [[3], [2]],
    [[], []],
    [
      [2, 3, 4],
      [1, 8, 2],
    ],
    [
      [2, 1, 3, 2],
      [6, 99, 1, 3],
    ],
    [
      [0, 3],
      [3, 1],
    ],
    [
      [3, 0],
      [1, 3],
    ],
  ])("of sizes %j and strides %j", (shape, stride) => {
    const length = spanOf({ shape, stride });
    const items = Array.from({ length }, (_, i) => i + 1);
    for (const [itemBytes, view] of [
      [1, Uint8Array],
      [2, Uint16Array],
      [4, Uint32Array],
      [8, BigUint64Array],
    ] as const) {
      const from =
        itemBytes === 8 ? BigUint64Array.from(items.map(BigInt)) : (view as typeof Uint32Array).from(items);
      const made = toRowMajor(new Uint8Array(from.buffer), itemBytes, { shape, stride });
      const expected = length === 0 ? [] : byDefinition([...from].map(Number), shape, stride);
      expect([...new view(made.buffer as ArrayBuffer)].map(Number)).toEqual(expected);
    }
  });

  it("of random layouts", () => {
    const random = new Random(3);
    for (let round = 0; round < 200; round++) {
      const shape = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(9));
      const stride = shape.map(() => random.below(30));
      const items = Array.from({ length: spanOf({ shape, stride }) }, () => random.below(1 << 30));
      const made = toRowMajor(new Uint8Array(Uint32Array.from(items).buffer), 4, { shape, stride });
      expect([...new Uint32Array(made.buffer)]).toEqual(byDefinition(items, shape, stride));
    }
  });
});

it.each([
  [5, 7, 2],
  [300, 20, 300],
  [300, 20, 64],
  [17, 600, 1],
  [1, 1, 1],
])("putTransposed of %i x %i, %i rows at a time", (rows, columns, step) => {
  const items = Array.from({ length: rows * columns }, (_, i) => i);
  for (const [itemBytes, view] of [
    [2, Uint16Array],
    [4, Uint32Array],
  ] as const) {
    const to = new Uint8Array(itemBytes * items.length);
    for (let first = 0; first < rows; first += step) {
      const part = view.from(items.slice(first * columns, (first + step) * columns));
      putTransposed(to, itemBytes, new Uint8Array(part.buffer), { first, rows, columns });
    }
    expect([...new view(to.buffer)]).toEqual(byDefinition(items, [columns, rows], [1, columns]));
  }
});

it.each<[boolean, number[], number[]]>([
  [true, [2, 3], [3, 1]],
  [true, [2, 1, 3], [3, 77, 1]],
  [true, [], []],
  [false, [2, 3], [1, 2]],
  [false, [2, 3], [4, 1]],
  [false, [3], [0]],
])("isContiguous is %s for sizes %j and strides %j", (expected, shape, stride) => {
  expect(isContiguous({ shape, stride })).toBe(expected);
});
