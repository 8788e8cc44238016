import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Classifier, type LabeledText, predictionToText } from "../../src/classifier/index.ts";
import { FinetagError } from "../../src/errors/index.ts";
import { LABELS, tinyRows, writeTinyModel } from "../training/tiny.ts";

let folder: string;
let classifier: Classifier;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-rows-"));
  const encoder = await writeTinyModel(join(folder, "encoder"));
  classifier = await Classifier.fromPretrained(encoder, { labels: LABELS, threads: 1 });
});
afterAll(async () => {
  await classifier.dispose();
  await rm(folder, { recursive: true });
});

async function errorOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof FinetagError)) throw error ?? new Error("expected an error");
  return `${error.code.replace("ERR_FINETAG_", "")} ${error.message}`;
}

async function train(own: Classifier, rows: unknown): Promise<void> {
  for await (const _ of own.train({ train: rows as LabeledText[], maxSteps: 1 }));
}

describe("rows of a program", () => {
  const good = tinyRows(3, 1);
  it.each<[unknown, string]>([
    [undefined, "DATA train[3]: is missing; give an object with a text and its labels"],
    ["a text", 'DATA train[3]: is "a text"; give an object with a text and its labels'],
    [{ labels: [] }, "DATA train[3].text: is missing; give a string"],
    [{ text: 5, labels: [] }, "DATA train[3].text: is 5; give a string"],
    [{ text: "\ud83d", labels: [] }, "DATA train[3].text: has half of a surrogate pair; remove it"],
    [{ text: "x", textPair: null, labels: [] }, "DATA train[3].textPair: is null; give a string"],
    [{ text: "x" }, "DATA train[3].labels: is missing; give an array of label names, [] if none applies"],
    [
      { text: "x", labels: "joy" },
      'DATA train[3].labels: is "joy"; give an array of label names, [] if none applies',
    ],
    [
      { text: "x", labels: [1] },
      "DATA train[3].labels: 1 is not a label; give each label as a string that is not empty, without blanks around it",
    ],
    [
      { text: "x", labels: [""] },
      'DATA train[3].labels: "" is not a label; give each label as a string that is not empty, without blanks around it',
    ],
    [
      { text: "x", labels: [" joy"] },
      'DATA train[3].labels: " joy" is not a label; give each label as a string that is not empty, without blanks around it',
    ],
    [
      { text: "x", labels: ["envy"] },
      'DATA train[3].labels: unknown label "envy"; the labels are "joy", "anger", "fear"',
    ],
  ])("%j is refused with its place", async (row, message) => {
    expect(await errorOf(train(classifier, [...good, row]))).toBe(message);
    const evaluated = await errorOf(classifier.evaluate([...good, row] as LabeledText[]));
    expect(evaluated).toBe(message.replace("train[3]", "data[3]"));
  });

  it("without any label, or of another kind, are refused before the model has a head", async () => {
    await using own = await Classifier.fromPretrained(join(folder, "encoder"), { threads: 1 });
    expect(await errorOf(train(own, [{ text: "x", labels: [] }]))).toBe(
      "DATA train: no row has a label; give at least one",
    );
    expect(await errorOf(train(own, 5))).toBe(
      "ARGUMENT `train` is neither a path, nor an object with a `path`, nor an array of rows",
    );
    expect(own.labels).toEqual([]);
  });

  it("with labels of any name give a model that can be saved and opened again", async () => {
    const labels = ["12", "3", "__proto__", "a,b", "ü x", "constructor"];
    await using own = await Classifier.fromPretrained(join(folder, "encoder"), { threads: 1 });
    await train(
      own,
      labels.map((label) => ({ text: "a happy day", labels: [label] })),
    );
    const saved = join(folder, "saved");
    await own.save(saved);
    await using again = await Classifier.fromPretrained(saved, { threads: 1 });
    expect(again.labels).toEqual(own.labels);
    const [prediction] = await again.predict("a happy day");
    const text = predictionToText(prediction!, again.labels);
    const order = [...text.slice(text.indexOf("probabilities")).matchAll(/("(?:[^"\\]|\\.)*"):[\d.e-]/g)];
    expect(order.map(([, name]) => JSON.parse(name!))).toEqual(again.labels);
  });
});

describe("options", () => {
  it.each<[string, () => Promise<unknown>, string]>([
    [
      "a typing mistake of predict",
      () => classifier.predict("x", { treshold: 0.5 } as object),
      "`treshold` is not an option; did you mean `threshold`?",
    ],
    [
      "a typing mistake of evaluate",
      () => classifier.evaluate(tinyRows(2, 1), { batchsize: 5 } as object),
      "`batchsize` is not an option; did you mean `batchSize`?",
    ],
    [
      "a typing mistake of fromPretrained",
      () => Classifier.fromPretrained(join(folder, "encoder"), { lables: ["a"] } as object),
      "`lables` is not an option; did you mean `labels`?",
    ],
    [
      "a length of 7.5",
      () => classifier.predict("x", { maxLength: 7.5 }),
      "`maxLength: 7.5` is not a number of tokens; give a whole number of at least 1",
    ],
    [
      "a length of 0",
      () => classifier.predict("x", { maxLength: 0 }),
      "`maxLength: 0` is not a number of tokens; give a whole number of at least 1",
    ],
    [
      "a threshold of text",
      () => classifier.predict("x", { threshold: "0.5" as never }),
      '`threshold` is "0.5"; give a number from 0 to 1',
    ],
    [
      "a threshold above 1",
      () => classifier.evaluate(tinyRows(2, 1), { threshold: 1.5 }),
      "`threshold` is 1.5; give a number from 0 to 1",
    ],
    [
      "half a text per batch",
      () => classifier.predict("x", { batchSize: 0.5 }),
      "`batchSize` is 0.5; give a whole number of at least 1",
    ],
    [
      "no labels",
      () => Classifier.fromPretrained(join(folder, "encoder"), { labels: [] }),
      "`labels` has []; give an array of at least one name",
    ],
    [
      "a label twice",
      () => Classifier.fromPretrained(join(folder, "encoder"), { labels: ["a", "a"] }),
      '`labels` has "a"; give each name once',
    ],
  ])("%s is refused", async (_, work, message) => {
    expect(await errorOf(work())).toBe(`ARGUMENT ${message}`);
  });
});
