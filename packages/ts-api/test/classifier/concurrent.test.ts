import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Classifier, type PredictOptions } from "../../src/classifier/index.ts";
import { ModelSession } from "../../src/engine/index.ts";
import { LABELS, tinyRows, writeTinyModel } from "../training/tiny.ts";

let folder: string;
let encoder: string;
let classifier: Classifier;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-concurrent-"));
  encoder = await writeTinyModel(join(folder, "model"));
  classifier = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
});
afterAll(async () => {
  await classifier.dispose();
  await rm(folder, { recursive: true });
});

/** Batches that the engine is given while `work` runs. */
async function batchesOf(work: () => Promise<unknown>): Promise<number> {
  const forward = vi.spyOn(ModelSession.prototype, "forward");
  try {
    await work();
    return forward.mock.calls.length;
  } finally {
    forward.mockRestore();
  }
}

describe("concurrent calls", () => {
  const texts = tinyRows(200, 1).map(({ text }) => text);
  const settings: PredictOptions[] = [
    {},
    { threshold: 0 },
    { threshold: 1, maxLength: 4 },
    { threshold: 0.49, maxLength: 8 },
  ];

  it("share batches, and give what one call gives, each with its own settings", async () => {
    const expected = await Promise.all(settings.map((options) => classifier.predict(texts, options)));
    const given: Awaited<ReturnType<typeof classifier.predict>>[] = [];
    const batches = await batchesOf(async () => {
      const calls = texts.map((text, i) =>
        classifier.predict({ id: String(i), text }, settings[i % settings.length]),
      );
      given.push(...(await Promise.all(calls)));
    });
    expect(batches).toBeLessThan(10);
    for (const [i, predictions] of given.entries()) {
      const options = settings[i % settings.length]!;
      const [prediction] = predictions;
      const reference = expected[i % settings.length]![i]!;
      expect(predictions).toHaveLength(1);
      expect(prediction).toMatchObject({ id: String(i), text: texts[i] });
      // Other batches give other last bits.
      for (const label of LABELS) {
        expect(prediction!.probabilities[label]).toBeCloseTo(reference.probabilities[label]!, 5);
      }
      const { threshold = 0.5 } = options;
      expect(prediction!.labels).toEqual(
        LABELS.filter((label) => prediction!.probabilities[label]! > threshold),
      );
    }
    expect(given[1]![0]!.labels).toEqual(LABELS);
    expect(given[2]![0]!.labels).toEqual([]);
  });

  it("take as many batches as one call with all texts", async () => {
    const together = await batchesOf(() => classifier.predict(texts));
    const concurrent = await batchesOf(() => Promise.all(texts.map((text) => classifier.predict(text))));
    expect(concurrent).toBe(together);
  });

  it("share batches with a stream", async () => {
    async function* source() {
      yield* texts;
    }
    const seen: string[] = [];
    const batches = await batchesOf(async () => {
      const stream = (async () => {
        for await (const { text } of classifier.predictStream(source())) seen.push(text);
      })();
      await Promise.all([stream, ...texts.map((text) => classifier.predict(text))]);
    });
    expect(seen).toEqual(texts);
    expect(batches).toBeLessThan(10);
  });

  it("fail alone where their texts or options are wrong", async () => {
    const outcomes = await Promise.allSettled([
      classifier.predict("happy"),
      classifier.predict(["mad", 3 as never]),
      classifier.predict("mad", { maxLength: 2 }),
      classifier.predict("mad", { batchSize: 0 }),
      classifier.predict("mad", { batchSize: Number.NaN }),
      classifier.predict("mad", { threshold: 50 }),
      classifier.predict("sad", { signal: AbortSignal.abort() }),
      classifier.predict("glad"),
    ]);
    const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "ok"));
    expect(codes).toEqual(["ok", ...Array(5).fill("ERR_FINETAG_ARGUMENT"), "ERR_FINETAG_ABORTED", "ok"]);
    expect(outcomes[1]).toMatchObject({ reason: { message: expect.stringContaining("texts[1]") } });
    expect(outcomes[3]).toMatchObject({
      reason: { message: "`batchSize` is 0; give a whole number of at least 1" },
    });
    expect(outcomes[5]).toMatchObject({
      reason: { message: "`threshold` is 50; give a number from 0 to 1" },
    });
  });

  it("are answered, or refused, when the classifier is disposed", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    const large = own.predict(tinyRows(5000, 2).map(({ text }) => text));
    const small = own.predict(texts[0]!);
    const late = small.then(() => {
      const calls = texts.map((text) => own.predict(text));
      void own.dispose();
      return Promise.allSettled(calls);
    });
    const [ofLarge] = await Promise.allSettled([large]);
    expect(ofLarge).toMatchObject({ status: "rejected", reason: { code: "ERR_FINETAG_DISPOSED" } });
    expect(await small).toHaveLength(1);
    for (const outcome of await late) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ERR_FINETAG_DISPOSED" } });
    }
  });

  it("go on while the model is trained", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const calls: Promise<unknown[]>[] = [];
      for await (const event of own.train({ train: tinyRows(100, 1), maxSteps: 3 })) {
        if (event.type === "step") calls.push(...texts.slice(0, 20).map((text) => own.predict(text)));
      }
      expect((await Promise.all(calls)).flat()).toHaveLength(60);
    } finally {
      await own.dispose();
    }
  });
});
