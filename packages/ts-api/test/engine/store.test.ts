import { describe, expect, it } from "vitest";
import { encodeRows } from "../../src/engine/store/encode.ts";
import { batchesByLength, longestFirst } from "../../src/engine/store/lengths.ts";
import { BLOCK_ROWS, TokenStore } from "../../src/engine/store/store.ts";
import type { EncodedTexts, Tokenizer } from "../../src/tokenizer/index.ts";

/** Row i gets i % 7 + 2 tokens, all with the id i. */
function encodeNumbers(from: number, to: number): EncodedTexts {
  const lengths = Array.from({ length: to - from }, (_, i) => ((from + i) % 7) + 2);
  const cuSeqlens = Int32Array.from([0, ...lengths]);
  for (let i = 1; i < cuSeqlens.length; i++) cuSeqlens[i]! += cuSeqlens[i - 1]!;
  const ids = Int32Array.from(lengths.flatMap((length, i) => Array<number>(length).fill(from + i)));
  return { ids, tokenTypes: new Int32Array(ids.length), cuSeqlens, truncated: 0 };
}

function fill(rows: number, labelCount = 3): TokenStore {
  const store = new TokenStore(labelCount);
  for (let from = 0; from < rows; from += BLOCK_ROWS) {
    const to = Math.min(from + BLOCK_ROWS, rows);
    const labels = Array.from({ length: to - from }, (_, i) => ({ labels: [(from + i) % labelCount] }));
    store.append(encodeNumbers(from, to), labels);
  }
  return store;
}

describe("TokenStore", () => {
  it("packs any rows of any block, in the order asked for", () => {
    const store = fill(2500);
    expect(store.rows).toBe(2500);
    const batch = store.pack([2499, 0, BLOCK_ROWS], true);
    const lengths = [(2499 % 7) + 2, 2, (BLOCK_ROWS % 7) + 2];
    expect([...batch.cuSeqlens]).toEqual([0, lengths[0], lengths[0]! + 2, lengths[0]! + 2 + lengths[2]!]);
    expect([...new Set(batch.ids)]).toEqual([2499, 0, BLOCK_ROWS]);
    expect([...batch.labels!]).toEqual([1, 0, 0, 1, 0, 0, 0, 1, 0]);
    expect(batch.tokenTypes.every((type) => type === 0)).toBe(true);
  });

  it("keeps ids over 65,535 and token types", () => {
    const store = new TokenStore(1);
    const encoded = {
      ids: Int32Array.of(70_000, 1, 2),
      tokenTypes: Int32Array.of(0, 1, 0),
      cuSeqlens: Int32Array.of(0, 2, 3),
      truncated: 0,
    };
    store.append(encoded, [{ labels: [0] }, { labels: [] }]);
    const batch = store.pack([1, 0], true);
    expect([...batch.ids]).toEqual([2, 70_000, 1]);
    expect([...batch.tokenTypes]).toEqual([0, 0, 1]);
    expect([...batch.labels!]).toEqual([0, 1]);
  });

  it("packs graded targets and a mask of unknown labels; metrics count from 0.5 on", () => {
    const store = new TokenStore(3);
    store.append(encodeNumbers(0, 3), [
      { labels: [0, 2], targets: [0.25, 0.5] },
      { labels: [1], unknown: [0, 2] },
      { labels: [0] },
    ]);
    const batch = store.pack([1, 0, 2], true);
    expect([...batch.labels!]).toEqual([0, 1, 0, 0.25, 0, 0.5, 1, 0, 0]);
    expect([...batch.labelMask!]).toEqual([0, 1, 0, 1, 1, 1, 1, 1, 1]);
    expect(store.pack([0, 2], true).labelMask).toBeUndefined();
    const labels = new Uint8Array(9);
    store.writeLabels([1, 0, 2], labels);
    expect([...labels]).toEqual([2, 1, 2, 0, 0, 1, 1, 0, 0]);
    const { targets, known } = store.labelSums([0, 1, 2]);
    expect([...targets]).toEqual([1.25, 1, 0.5]);
    expect([...known]).toEqual([2, 3, 2]);
  });

  it("refuses a block after a short one, and rows that are not there", () => {
    const store = fill(10);
    expect(() => store.append(encodeNumbers(0, 1), [{ labels: [] }])).toThrow(RangeError);
    expect(() => store.pack([10], false)).toThrow(RangeError);
  });
});

describe("batches by length", () => {
  it("put the longest rows first, equal ones in their order", () => {
    const store = fill(20);
    const rows = Uint32Array.from({ length: 20 }, (_, i) => i);
    const lengths = [...longestFirst(store, rows)].map((position) => store.length(rows[position]!));
    expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
    expect([...longestFirst(store, rows)].slice(0, 4)).toEqual([6, 13, 5, 12]);
  });

  it("hold each row once, in batches within both limits", () => {
    const store = fill(100);
    const rows = Uint32Array.from({ length: 50 }, (_, i) => i * 2);
    const batches = [...batchesByLength(store, rows, 8, 30)];
    expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual([...rows.keys()]);
    for (const batch of batches) {
      expect(batch.length).toBeLessThanOrEqual(8);
      expect(batch.reduce((sum, position) => sum + store.length(rows[position]!), 0)).toBeLessThanOrEqual(30);
    }
    expect([...batchesByLength(store, rows, 8, 1)].length).toBe(50);
    expect([...batchesByLength(store, new Uint32Array(0), 8, 1)]).toEqual([]);
  });
});

describe("encodeRows", () => {
  const NOTHING = { tokens: 0, unknown: 0, fragments: 0 };
  /** Encodes a text that is a number as that token, between tokens 1 and 2. */
  const tokenizer: Tokenizer = {
    vocabSize: 5000,
    maxTokenId: 4999,
    identity: "numbers",
    files: new Map(),
    warnings: [],
    coverage: { unknownToken: "", seen: NOTHING, count: () => NOTHING },
    async open() {},
    async encode(texts) {
      const ids = Int32Array.from(texts.flatMap((text) => [1, Number(text), 2]));
      return {
        ids,
        tokenTypes: new Int32Array(ids.length),
        cuSeqlens: Int32Array.from({ length: texts.length + 1 }, (_, i) => i * 3),
        truncated: 0,
      };
    },
    async encodeWords(texts) {
      const encoded = await tokenizer.encode(texts, undefined, 3);
      return { ...encoded, words: encoded.ids };
    },
  };

  async function encodeAll(count: number, vocabSize: number, signal?: AbortSignal) {
    const rows = Array.from({ length: count }, (_, i) => ({ text: String(i % 4000), labels: [] }));
    const steps = encodeRows(rows, { tokenizer, maxLength: 8, vocabSize, labelCount: 0, signal });
    for (;;) {
      const { done, value } = await steps.next();
      if (done) return value.store;
    }
  }

  it("keeps the order over blocks", async () => {
    const store = await encodeAll(3 * BLOCK_ROWS + 5, 5000);
    expect(store.rows).toBe(3 * BLOCK_ROWS + 5);
    expect([...store.pack([0, 2000, 3076], false).ids]).toEqual([1, 0, 2, 1, 2000, 2, 1, 3076, 2]);
    expect((await encodeAll(0, 5000)).rows).toBe(0);
    expect((await encodeAll(BLOCK_ROWS, 5000)).rows).toBe(BLOCK_ROWS);
  });

  it("refuses ids outside the vocabulary of the weights", async () => {
    await expect(encodeAll(200, 100)).rejects.toThrow(
      "the tokenizer produced id 100, but the model's vocab_size is 100; use the tokenizer files that belong to these weights",
    );
  });

  it("stops at a signal", async () => {
    await expect(encodeAll(5000, 5000, AbortSignal.abort())).rejects.toMatchObject({
      code: "ERR_FINETAG_ABORTED",
    });
  });
});
