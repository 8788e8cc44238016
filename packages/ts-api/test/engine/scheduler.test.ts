import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  type CallSettings,
  type OpenModel,
  openModel,
  readModelSource,
  Scheduler,
} from "../../src/engine/index.ts";
import { LABELS, tinyRows, writeTinyModel } from "../training/tiny.ts";

let folder: string;
let model: OpenModel;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-scheduler-"));
  model = await open(await writeTinyModel(join(folder, "model")));
});
afterAll(async () => {
  await model.session.dispose();
  await rm(folder, { recursive: true });
});

async function open(directory: string): Promise<OpenModel> {
  return openModel(await readModelSource(directory), { labels: LABELS, threads: 1, device: "cpu" });
}

/** A scheduler before a real model, whose batches can be counted and, with `hold`, be let through one by one. */
function watched(opened: OpenModel, { hold = false } = {}) {
  const { session, source } = opened;
  const sizes: number[] = [];
  const held: (() => void)[] = [];
  const state = { sizes, held, hold, tokenized: 0 };
  const scheduler = new Scheduler({
    ...opened,
    session: {
      async forward(batch) {
        sizes.push(batch.cuSeqlens.length - 1);
        if (state.hold) await new Promise<void>((resolve) => held.push(resolve));
        return session.forward(batch);
      },
    },
    source: {
      tokenizer: {
        ...source.tokenizer,
        async encode(texts: string[], pairs: (string | undefined)[] | undefined, maxLength: number) {
          const encoded = await source.tokenizer.encode(texts, pairs, maxLength);
          state.tokenized += texts.length;
          return encoded;
        },
      },
    },
  });
  const releaseAll = () => {
    state.hold = false;
    for (const release of held.splice(0)) release();
  };
  return { scheduler, state, releaseAll };
}

/** What each text gets, in order. */
async function logitsOf(
  scheduler: Scheduler,
  texts: readonly { text: string; textPair?: string }[],
  settings: CallSettings = { maxLength: 64 },
): Promise<number[][]> {
  const rows: number[][] = [];
  await scheduler.call(settings).submit(texts, (logits, index) => {
    rows[index] = [...logits];
  });
  return rows;
}

/** Waits as long as a busy machine may need. */
const until = (assertion: () => void) => vi.waitFor(assertion, { timeout: 30_000, interval: 5 });

/** Long enough for whatever else would come of what was done, in a loop that is idle. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("sharing", () => {
  it("computes a text at once where the engine is idle, and what comes meanwhile together", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const texts = tinyRows(6, 1);
    const first = logitsOf(scheduler, [texts[0]!]);
    await until(() => expect(state.sizes).toEqual([1]));
    const others = texts.slice(1).map((text) => logitsOf(scheduler, [text]));
    await until(() => expect(state.tokenized).toBe(6));
    await settle();
    expect(state.sizes).toEqual([1]);
    releaseAll();
    const shared = (await Promise.all([first, ...others])).flat();
    expect(state.sizes).toEqual([1, 5]);
    const alone = await logitsOf(watched(model).scheduler, texts);
    for (const [i, row] of shared.entries()) {
      for (const [label, logit] of row.entries()) expect(logit).toBeCloseTo(alone[i]![label]!, 5);
    }
  });

  it("sends a full batch ahead while the engine computes another", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const first = logitsOf(scheduler, tinyRows(1, 1));
    await until(() => expect(state.sizes).toEqual([1]));
    const others = tinyRows(1000, 2).map((text) => logitsOf(scheduler, [text]));
    await until(() => expect(state.sizes.length).toBe(2));
    expect(state.sizes[1]).toBeGreaterThan(100);
    releaseAll();
    await Promise.all([first, ...others]);
    expect(state.sizes.reduce((sum, size) => sum + size, 0)).toBe(1001);
    expect(state.sizes.length).toBeLessThan(12);
  });

  it("keeps to each call's batch size and length", async () => {
    const { scheduler, state } = watched(model);
    const texts = tinyRows(60, 3);
    const [pairs, free, short] = await Promise.all([
      Promise.all(texts.map((text) => logitsOf(scheduler, [text], { maxLength: 64, batchSize: 2 }))),
      Promise.all(texts.map((text) => logitsOf(scheduler, [text]))),
      Promise.all(texts.map((text) => logitsOf(scheduler, [text], { maxLength: 4 }))),
    ]);
    const small = state.sizes.filter((size) => size <= 2);
    expect(small.length).toBeGreaterThanOrEqual(30);
    expect(state.sizes.length).toBeLessThan(30 + 10);
    const cut = await logitsOf(watched(model).scheduler, texts, { maxLength: 4 });
    let differs = false;
    for (const i of texts.keys()) {
      for (const label of LABELS.keys()) {
        expect(pairs[i]![0]![label]).toBeCloseTo(free[i]![0]![label]!, 5);
        expect(short[i]![0]![label]).toBeCloseTo(cut[i]![label]!, 5);
        differs ||= Math.abs(short[i]![0]![label]! - free[i]![0]![label]!) > 1e-3;
      }
    }
    expect(differs).toBe(true);
  });

  it("leaves the batches of a large window as they are without others", async () => {
    const texts = tinyRows(1024, 4);
    const alone = watched(model);
    const expected = await logitsOf(alone.scheduler, texts);
    const busy = watched(model);
    const [given] = await Promise.all([
      logitsOf(busy.scheduler, texts),
      ...tinyRows(50, 5).map((text) => logitsOf(busy.scheduler, [text])),
    ]);
    expect(given).toEqual(expected);
    expect(busy.state.sizes.length).toBeLessThanOrEqual(alone.state.sizes.length + 3);
  });

  it("serves small calls in turn with the windows of a large one, and these in their order", async () => {
    const { scheduler, state } = watched(model, { hold: true });
    const large = scheduler.call({ maxLength: 64 });
    const received: string[] = [];
    const windows = [6, 7].map((seed) => {
      const texts = tinyRows(1024, seed);
      return large.submit(texts, () => received.push(`window ${seed}`));
    });
    const done = Promise.all(windows);
    await until(() => expect(state.sizes.length).toBe(2));
    const small = scheduler.call({ maxLength: 64 }).submit(tinyRows(1, 8), () => received.push("small"));
    await until(() => expect(state.tokenized).toBe(2 * 1024 + 1));
    // Two are in the engine; one of the large call may have its turn, then the small one has.
    for (let released = 0; released < 4; released++) {
      await until(() => expect(state.held.length).toBeGreaterThan(0));
      state.held.shift()!();
      await settle();
    }
    await small;
    expect(received.at(-1)).toBe("small");
    expect(received.length).toBeLessThan(1024);
    state.hold = false;
    for (const release of state.held.splice(0)) release();
    await done;
    const ofWindows = received.filter((name) => name !== "small");
    expect(ofWindows).toEqual([...Array(1024).fill("window 6"), ...Array(1024).fill("window 7")]);
  });

  it("tokenizes no more small texts ahead than a window and what was begun", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const running = tinyRows(8000, 9).map((text) => logitsOf(scheduler, [text]));
    await until(() => expect(state.sizes.length).toBe(2));
    await settle();
    expect(state.tokenized).toBeLessThanOrEqual(3 * 1024);
    releaseAll();
    await Promise.all(running);
    expect(state.tokenized).toBe(8000);
  });
});

describe("an aborted call", () => {
  it("leaves at once; its texts go into no batch, and others stay", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const first = logitsOf(scheduler, tinyRows(1, 1));
    await until(() => expect(state.sizes).toEqual([1]));
    const abort = new AbortController();
    const left = logitsOf(scheduler, tinyRows(3, 2), { maxLength: 64, signal: abort.signal });
    const other = logitsOf(scheduler, tinyRows(2, 3));
    await until(() => expect(state.tokenized).toBe(6));
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: "ERR_FINETAG_ABORTED" });
    expect(state.sizes).toEqual([1]);
    releaseAll();
    expect((await Promise.all([first, other])).map((rows) => rows.length)).toEqual([1, 2]);
    expect(state.sizes).toEqual([1, 2]);
  });

  it("does not disturb those who share its batch", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const abort = new AbortController();
    const left = logitsOf(scheduler, tinyRows(3, 2), { maxLength: 64, signal: abort.signal });
    const other = logitsOf(scheduler, tinyRows(2, 3));
    await until(() => expect(state.sizes).toEqual([5]));
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: "ERR_FINETAG_ABORTED" });
    releaseAll();
    expect(await other).toHaveLength(2);
  });

  it("leaves what is left of a window", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const abort = new AbortController();
    const left = logitsOf(scheduler, tinyRows(1024, 2), { maxLength: 64, signal: abort.signal });
    await until(() => expect(state.sizes.length).toBe(2));
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: "ERR_FINETAG_ABORTED" });
    releaseAll();
    expect(await logitsOf(scheduler, tinyRows(2, 3))).toHaveLength(2);
    expect(state.sizes.length).toBe(3);
  });

  it("may share its signal with many, of which Node does not warn", async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on("warning", warn);
    try {
      const { signal } = new AbortController();
      const { scheduler } = watched(model);
      await Promise.all(
        tinyRows(200, 2).map((text) => logitsOf(scheduler, [text], { maxLength: 64, signal })),
      );
      await settle();
      expect(warnings).toEqual([]);
    } finally {
      process.off("warning", warn);
    }
  });
});

describe("close", () => {
  it("refuses what waits and what comes, and lets the batch in the engine end", async () => {
    const { scheduler, state, releaseAll } = watched(model, { hold: true });
    const first = logitsOf(scheduler, tinyRows(1, 1));
    await until(() => expect(state.sizes).toEqual([1]));
    const tokenized = logitsOf(scheduler, tinyRows(2, 2));
    await until(() => expect(state.tokenized).toBe(3));
    const waiting = [tinyRows(1, 3), tinyRows(200, 4)].map((texts) => logitsOf(scheduler, texts));
    scheduler.close();
    for (const refused of [tokenized, ...waiting, logitsOf(scheduler, tinyRows(1, 5))]) {
      await expect(refused).rejects.toMatchObject({ code: "ERR_FINETAG_DISPOSED" });
    }
    releaseAll();
    expect(await first).toHaveLength(1);
    await settle();
    expect(state.sizes).toEqual([1]);
  });
});

describe("an error", () => {
  it("of one call's texts is that call's alone", async () => {
    const single = await open(await writeTinyModel(join(folder, "single"), { type_vocab_size: 1 }));
    try {
      const { scheduler } = watched(single);
      const outcomes = await Promise.allSettled([
        logitsOf(scheduler, tinyRows(3, 1)),
        logitsOf(scheduler, [{ text: "happy", textPair: "day" }]),
        logitsOf(scheduler, tinyRows(2, 2)),
        logitsOf(scheduler, tinyRows(2, 2), { maxLength: 2 }),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual([
        "fulfilled",
        "rejected",
        "fulfilled",
        "rejected",
      ]);
      expect(outcomes[1]).toMatchObject({ reason: { code: "ERR_FINETAG_MODEL" } });
      expect(outcomes[3]).toMatchObject({ reason: { code: "ERR_FINETAG_ARGUMENT" } });
    } finally {
      await single.session.dispose();
    }
  });

  it("of the engine ends the calls of that batch", async () => {
    const own = await open(join(folder, "model"));
    const { scheduler } = watched(own);
    expect(await logitsOf(scheduler, tinyRows(1, 1))).toHaveLength(1);
    await own.session.dispose();
    const calls = tinyRows(5, 2).map((text) => logitsOf(scheduler, [text]));
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "ERR_FINETAG_DISPOSED" });
  });

  it("of a receiver ends its call only", async () => {
    const { scheduler, state } = watched(model);
    const broken = scheduler.call({ maxLength: 64 }).submit(tinyRows(1, 1), () => {
      throw new Error("on purpose");
    });
    const other = logitsOf(scheduler, tinyRows(1, 2));
    await expect(broken).rejects.toThrow("on purpose");
    expect(await other).toHaveLength(1);
    expect(state.sizes).toEqual([2]);
  });
});
