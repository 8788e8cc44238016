import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Classifier, type TextInput } from "../../src/classifier/index.ts";
import { doctor } from "../../src/doctor.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { TrainEvent } from "../../src/report/index.ts";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../training/tiny.ts";

let folder: string;
let encoder: string;
/** A trained classifier that several tests read. */
let classifier: Classifier;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-classifier-"));
  encoder = await writeTinyModel(join(folder, "model"));
  classifier = await Classifier.fromPretrained(encoder, { threads: 1 });
  const options = {
    train: tinyRows(400, 1),
    dev: tinyRows(80, 2),
    learningRate: 2e-3,
    batchSize: 8,
    epochs: 16,
  };
  for await (const _ of classifier.train(options));
});
afterAll(async () => {
  await classifier.dispose();
  await rm(folder, { recursive: true });
});

describe("predict", () => {
  it("gives each text its labels, in the order of the texts", async () => {
    const texts = ["we saw the day", "so very happy", { id: "7", text: "it was a thing mad and afraid" }];
    const predictions = await classifier.predict(texts);
    expect(predictions.map(({ labels }) => labels)).toEqual([[], ["joy"], ["anger", "fear"]]);
    expect(predictions[2]).toMatchObject({ id: "7", text: "it was a thing mad and afraid" });
    expect(Object.keys(predictions[0]!.probabilities)).toEqual([...classifier.labels]);
    expect(await classifier.predict("so very happy")).toHaveLength(1);
    expect(await classifier.predict([])).toEqual([]);
  });

  it("gives the same probabilities whatever the batches", async () => {
    const texts = tinyRows(100, 9).map(({ text }) => text);
    const [alone, together] = [
      await classifier.predict(texts, { batchSize: 1 }),
      await classifier.predict(texts),
    ];
    for (const [i, { probabilities }] of together.entries()) {
      for (const label of LABELS)
        expect(alone[i]!.probabilities[label]).toBeCloseTo(probabilities[label]!, 5);
    }
  });

  it("streams in order, and does not hold back what has come", async () => {
    const texts = tinyRows(2500, 10).map(({ text }, i): TextInput => ({ id: String(i), text }));
    async function* source() {
      yield* texts;
    }
    const ids: (string | undefined)[] = [];
    for await (const { id } of classifier.predictStream(source())) ids.push(id);
    expect(ids).toEqual(texts.map(({ id }) => id));

    let answer: () => void = () => {};
    async function* dialogue() {
      yield "happy";
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      yield "mad";
    }
    const seen: string[] = [];
    for await (const { text } of classifier.predictStream(dialogue())) {
      seen.push(text);
      answer();
    }
    expect(seen).toEqual(["happy", "mad"]);
  });

  it("reads no more of a stream than a few windows ahead", async () => {
    let read = 0;
    async function* source() {
      for (const { text } of tinyRows(9000, 12)) {
        read++;
        yield text;
      }
    }
    let seen = 0;
    for await (const _ of classifier.predictStream(source())) {
      expect(read - seen).toBeLessThanOrEqual(4 * 1024);
      seen++;
    }
    expect(seen).toBe(9000);
  });

  it("gives a stream the bits of an array where windows are filled, however slowly it comes", async () => {
    const texts = tinyRows(1500, 13).map(({ text }) => text);
    async function* slowly() {
      for (const [i, text] of texts.entries()) {
        if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        yield text;
      }
    }
    const streamed = [];
    for await (const prediction of classifier.predictStream(slowly(), { fullWindows: true })) {
      streamed.push(prediction);
    }
    expect(streamed).toEqual(await classifier.predict(texts));
  });

  it("names the text of a stream that is none, after the answers before it", async () => {
    async function* source() {
      for (const { text } of tinyRows(2048, 14)) yield text;
      yield 3 as never;
    }
    let seen = 0;
    const run = async () => {
      for await (const _ of classifier.predictStream(source(), { fullWindows: true })) seen++;
    };
    await expect(run()).rejects.toThrow("texts[2048] is neither a string");
    expect(seen).toBe(2048);
  });

  it("lets a consumer of a stream leave while the source waits", async () => {
    async function* endless() {
      yield "happy";
      await new Promise(() => {});
    }
    for await (const { text } of classifier.predictStream(endless())) {
      expect(text).toBe("happy");
      break;
    }
  });

  it("refuses what is no text, and stops at a signal", async () => {
    await expect(classifier.predict(["a", 3 as never])).rejects.toThrow("texts[1] is neither a string");
    await expect(classifier.predict(["a"], { maxLength: 100 })).rejects.toThrow(
      "`maxLength: 100` is more than the 64 positions",
    );
    await expect(classifier.predict(["a"], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_FINETAG_ABORTED",
    });
  });

  it("keeps the event loop free", async () => {
    const texts = tinyRows(3000, 11).map(({ text }) => text);
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    const started = performance.now();
    await classifier.predict(texts);
    clearInterval(timer);
    expect(turns).toBeGreaterThan((performance.now() - started) / 5 / 10);
  });
});

describe("evaluate", () => {
  it("tells how far it is, and gives the metrics of all windows", async () => {
    const rows = tinyRows(2100, 15);
    const told: { rows: number; totalRows: number }[] = [];
    const metrics = await classifier.evaluate(rows, { onProgress: (progress) => told.push({ ...progress }) });
    expect(metrics.rows).toBe(2100);
    expect(told.at(-1)).toEqual({ rows: 2100, totalRows: 2100 });
    for (const { rows: done, totalRows } of told) expect(done).toBeLessThanOrEqual(totalRows);
    // The same rows three by three: other batches, so other last bits.
    const alone = await classifier.evaluate(rows, { batchSize: 3 });
    expect(alone.micro_f1).toBeCloseTo(metrics.micro_f1!, 3);
    expect(alone.loss).toBeCloseTo(metrics.loss!, 5);
  });

  it("gives the bits of the evaluation in a training run", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    try {
      const dev = tinyRows(1500, 16);
      let told: TrainEvent | undefined;
      for await (const event of own.train({ train: tinyRows(64, 1), dev, maxSteps: 2 })) {
        if (event.type === "evaluation") told = event;
      }
      expect(told).toMatchObject({ metrics: await own.evaluate(dev) });
    } finally {
      await own.dispose();
    }
  });

  it("refuses data without rows and stops at a signal", async () => {
    await expect(classifier.evaluate([])).rejects.toThrow("data: no rows");
    await expect(classifier.evaluate(tinyRows(9, 1), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ERR_FINETAG_ABORTED",
    });
  });
});

describe("save and evaluate", () => {
  it("gives a directory that predicts the same", async () => {
    const directory = join(folder, "saved");
    await classifier.save(directory);
    const again = await Classifier.fromPretrained(directory, { threads: 1 });
    try {
      const texts = tinyRows(50, 5).map(({ text }) => text);
      expect(await again.predict(texts)).toEqual(await classifier.predict(texts));
      expect(again.labels).toEqual(classifier.labels);
      expect(again.freshParameters).toEqual([]);
      expect(JSON.parse(await readFile(join(directory, "config.json"), "utf8"))).toMatchObject({
        architectures: ["BertForSequenceClassification"],
        problem_type: "multi_label_classification",
      });
      const csv = await writeTinyCsv(join(folder, "data.csv"), tinyRows(80, 3));
      const columns = await again.evaluate({ path: csv, labelColumns: LABELS });
      expect(columns).toEqual(await classifier.evaluate(tinyRows(80, 3)));
    } finally {
      await again.dispose();
    }
  });

  it("refuses a threshold of a label that is not there", async () => {
    const directory = join(folder, "mistyped");
    await classifier.save(directory);
    const path = join(directory, "finetag.json");
    const json = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...json, thresholds: { jyo: 0.9 } }));
    await expect(Classifier.fromPretrained(directory)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${path}: "thresholds" has "jyo", which is not a label of the model; correct the name, or remove it`,
    });
  });

  it("honours thresholds of the saved model", async () => {
    const directory = join(folder, "thresholds");
    await classifier.save(directory);
    const path = join(directory, "finetag.json");
    const json = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...json, thresholds: { joy: 0.999999 } }));
    const again = await Classifier.fromPretrained(directory, { threads: 1 });
    try {
      expect(again.thresholds[again.labels.indexOf("joy")]).toBe(0.999999);
      expect((await again.predict("so very happy"))[0]!.labels).toEqual([]);
      expect((await again.predict("so very happy", { threshold: 0.5 }))[0]!.labels).toEqual(["joy"]);
    } finally {
      await again.dispose();
    }
  });

  it("refuses other labels than the model's", async () => {
    const directory = join(folder, "other");
    await classifier.save(directory);
    await expect(Classifier.fromPretrained(directory, { labels: ["joy", "envy"] })).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining('the model lacks "envy", the data lacks "anger", "fear"'),
    });
    const fresh = await Classifier.fromPretrained(directory, {
      labels: ["joy", "envy"],
      newHead: true,
      threads: 1,
    });
    expect(fresh.labels).toEqual(["joy", "envy"]);
    await fresh.dispose();
  });
});

describe("a model of a class of one's own", () => {
  it("predicts with the head in its file, though nobody named the labels", async () => {
    const directory = join(folder, "own-class");
    await classifier.save(directory);
    const path = join(directory, "config.json");
    const { id2label: _names, label2id: _ids, ...json } = JSON.parse(await readFile(path, "utf8"));
    const own = { ...json, num_labels: LABELS.length, architectures: ["BertForMultiLabelClassification"] };
    await writeFile(path, JSON.stringify(own));
    await using opened = await Classifier.fromPretrained(directory, { threads: 1 });
    expect(opened.labels).toEqual(LABELS.map((_, i) => `LABEL_${i}`));
    const [given] = await opened.predict(["so mad"]);
    const [expected] = await classifier.predict(["so mad"]);
    expect(Object.values(given!.probabilities)).toEqual(Object.values(expected!.probabilities));
  });
});

describe("int8", () => {
  it("predicts and evaluates nearly as float32 does, and neither trains nor saves", async () => {
    const directory = join(folder, "to-quantize");
    await classifier.save(directory);
    await using int8 = await Classifier.fromPretrained(directory, { threads: 1, precision: "int8" });
    const rows = tinyRows(200, 21);
    const texts = rows.map(({ text }) => text);
    const exact = await classifier.predict(texts);
    const near = await int8.predict(texts);
    const largest = Math.max(
      ...near.flatMap(({ probabilities }, i) =>
        LABELS.map((label) => Math.abs(probabilities[label]! - exact[i]!.probabilities[label]!)),
      ),
    );
    // 1% of error in a product (2% in 7 bits) moves a logit of a few units by a few tenths at most.
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(0.1);
    const [before, after] = [await classifier.evaluate(rows), await int8.evaluate(rows)];
    expect(Math.abs(after.roc_auc_macro! - before.roc_auc_macro!)).toBeLessThan(0.02);

    const refusal = (done: string) => ({
      code: "ERR_FINETAG_ARGUMENT",
      message: `a model opened with \`precision: int8\` cannot be ${done}; open it with \`precision: float32\``,
    });
    await expect(int8.train({ train: rows }).next()).rejects.toMatchObject(refusal("trained"));
    await expect(int8.save(join(folder, "never"))).rejects.toMatchObject(refusal("saved"));
  });
});

describe("dispose", () => {
  it("may be called again; everything after it is refused", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    await Promise.all([own.dispose(), own.dispose(), own[Symbol.asyncDispose]()]);
    const disposed = { code: "ERR_FINETAG_DISPOSED" };
    await expect(own.predict("x")).rejects.toMatchObject(disposed);
    await expect(own.save(join(folder, "never"))).rejects.toMatchObject(disposed);
    await expect(own.train({ train: [] }).next()).rejects.toMatchObject(disposed);
  });

  it("ends a training that is under way", async () => {
    const own = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
    const training = (async () => {
      for await (const event of own.train({ train: tinyRows(400, 1), epochs: 50 })) {
        if (event.type === "step" && event.step === 3) void own.dispose();
      }
    })();
    await expect(training).rejects.toMatchObject({ code: "ERR_FINETAG_DISPOSED" });
  });

  it("refuses to predict without a head", async () => {
    const own = await Classifier.fromPretrained(encoder, { threads: 1 });
    await expect(own.predict("x")).rejects.toThrow(
      "this model is not trained yet; run `finetag train`, or call `train()` first",
    );
    await own.dispose();
  });
});

describe("inspectModel", () => {
  it("describes a bare encoder and a trained model", async () => {
    expect(await inspectModel(encoder)).toMatchObject({
      family: "bert",
      layers: 2,
      hasHead: false,
      labels: [],
      maxLength: 64,
      dtypes: { F32: 39 },
      freshParameters: ["classifier.weight", "classifier.bias"],
      unusedTensors: [],
    });
    const directory = join(folder, "inspected");
    await classifier.save(directory);
    const summary = await inspectModel(directory);
    expect(summary).toMatchObject({ hasHead: true, labels: classifier.labels, freshParameters: [] });
    expect(summary.parameters * 4).toBeLessThan(summary.weightBytes);
    expect(summary.finetag!.threshold).toBe(0.5);
  });
});

describe("doctor", () => {
  it("finds this machine able to run tests", async () => {
    const report = await doctor();
    expect(report.devices[0]).toBe("cpu");
    const found = new Map(report.checks.map(({ name, ok }) => [name, ok]));
    expect([found.get("Node.js"), found.get("libtorch")]).toEqual([true, true]);
    for (const { ok, remedy } of report.checks) expect(ok || remedy !== undefined).toBe(true);
  });
});
