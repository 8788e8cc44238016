#!/usr/bin/env node
// Which metric on the dev data picks the checkpoint that does best on the test data?

import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Classifier, computeMetrics, openData, resolveModel, trainRun } from "@finetag/api";
import { SetupError } from "../scripts/lib/errors.mjs";
import { meansOf, pick, RULES } from "./lib/best-metric.mjs";
import { finetagVersions } from "./lib/finetag.mjs";
import { runBenchmark } from "./lib/options.mjs";
import { printMachine, printTable, short, writeResult } from "./lib/report.mjs";

const HELP = `pnpm bench:best-metric [--goemotions DIR] [--jigsaw DIR] [--debtags DIR] [--seeds 42,43] [--threads 1]

Trains on a sample of each data set that is given, evaluates every checkpoint on dev and on test data, and shows the
test scores of the checkpoint that each metric on the dev data picks.
  --goemotions DIR  train.tsv, dev.tsv, test.tsv (text, label ids, id; no header) and labels.txt
  --jigsaw DIR      train_sample.csv and val_sample.csv (comment_text and six columns of 0/1)
  --debtags DIR     train.csv, dev.csv, test.csv (id, text, labels), as the demo makes them
  --model NAME      what the runs start from (default: all-MiniLM-L6-v2)
  --checkpoints N   checkpoints of a run (default: 6)
  --output FILE     where the JSON goes (default: finetag's .cache); rewritten after each run`;

const IDS = { columns: ["text", "labels", "id"], header: false, labelsColumn: "labels" };
const TAGS = { textColumn: "text", labelsColumn: "labels", idColumn: "id" };
const FLAGS = { textColumn: "comment_text", idColumn: "id" };

/** Where the rows of each part come from: a file, or a share of one. */
const DATA_SETS = {
  goemotions: {
    labels: "labels.txt",
    spec: IDS,
    train: { file: "train.tsv", rows: 1600 },
    dev: { file: "dev.tsv", rows: 500 },
    test: { file: "test.tsv", rows: 1000 },
  },
  jigsaw: {
    labels: "labels.csv",
    spec: FLAGS,
    train: { file: "train_sample.csv", rows: 1000 },
    dev: { file: "val_sample.csv", rows: 400 },
    test: { file: "val_sample.csv", skip: 400, rows: 600 },
  },
  debtags: {
    labels: "labels.txt",
    spec: TAGS,
    train: { file: "train.csv", rows: 1000 },
    dev: { file: "dev.csv", rows: 300 },
    test: { file: "test.csv", rows: 600 },
  },
};

/** What finetag does by default, and a run that learns more than it should, as the demo's rate does. */
const SETTINGS = {
  default: {},
  long: { learningRate: 3e-4, epochs: 4, headBias: "frequency" },
};
const MAX_LENGTH = 48;

const SHOWN = [
  ...["loss", "micro_f1", "macro_f1", "average_precision_macro", "roc_auc_macro"],
  ...["micro_f1_tuned", "macro_f1_tuned"],
];

await runBenchmark(
  HELP,
  {
    ...{ goemotions: String, jigsaw: String, debtags: String, model: "all-MiniLM-L6-v2" },
    ...{ checkpoints: 6, threads: 1, seeds: "42,43", output: String },
  },
  async (values, work) => {
    const sets = Object.keys(DATA_SETS).filter((name) => values[name] !== undefined);
    if (sets.length === 0) throw new SetupError("no data; give --goemotions, --jigsaw or --debtags");
    const model = await resolveModel(values.model);
    const runs = [];
    for (const seed of values.seeds.split(",").map(Number)) {
      for (const setting of Object.keys(SETTINGS)) {
        for (const data of sets) {
          const started = performance.now();
          const checkpoints = await trainAndScore(data, setting, seed, model, values, work);
          runs.push({ data, setting, seed, checkpoints });
          const seconds = (performance.now() - started) / 1000;
          console.error(`${data}, ${setting}, seed ${seed}: ${seconds.toFixed(0)} s`);
          write(values, runs);
        }
      }
    }
    for (const setting of Object.keys(SETTINGS)) print(runs, setting);
    printMachine(values.threads, finetagVersions());
  },
);

/** @returns by checkpoint, in order: step, and the metrics on dev and test */
async function trainAndScore(data, setting, seed, model, { [data]: folder, checkpoints, threads }, work) {
  const part = (name) => readRows(folder, DATA_SETS[data], name, seed);
  const train = await part("train");
  const dev = await part("dev");
  const test = await part("test");
  const outputDir = join(work, "run");
  const epochs = SETTINGS[setting].epochs ?? 3;
  const every = Math.ceil((Math.ceil(train.length / 32) * epochs) / checkpoints);
  const options = {
    ...{
      model,
      outputDir,
      overwrite: true,
      seed,
      threads,
      maxLength: MAX_LENGTH,
      labels: join(folder, DATA_SETS[data].labels),
    },
    ...{ train: writeRows(work, "train", train), dev: writeRows(work, "dev", dev.slice(0, 32)) },
    ...{ evalEvery: every, saveEvery: every, keepCheckpoints: 1, tensorboard: false, tokenCache: false },
    ...SETTINGS[setting],
  };
  const scored = [];
  for await (const event of trainRun(options)) {
    if (event.type !== "checkpoint") continue;
    const classifier = await Classifier.fromPretrained(modelOf(event.path, outputDir, work), { threads });
    try {
      const [ofDev, ofTest] = [await score(classifier, dev), await score(classifier, test)];
      scored.push({
        step: event.step,
        dev: ofDev.metrics,
        test: { ...ofTest.metrics, ...tuned(ofDev, ofTest) },
      });
    } finally {
      await classifier.dispose();
    }
  }
  return scored;
}

/** A share of a part's rows, drawn by the seed; where dev and test share a file, never the same row. */
async function readRows(folder, { spec, labels, ...parts }, name, seed) {
  const { file, skip = 0, rows } = parts[name];
  const names = readFileSync(join(folder, labels), "utf8").split(/\r?\n/).filter(Boolean);
  const opened = await openData(
    { path: join(folder, file), ...spec },
    { labels: names, requireLabels: true },
  );
  const all = [];
  for await (const row of opened.rows()) {
    all.push({ text: row.text, labels: row.labels.map((index) => names[index]) });
  }
  shuffle(all, seed);
  return all.slice(skip, skip + rows);
}

function shuffle(items, seed) {
  let state = seed;
  for (let i = items.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}

function writeRows(work, name, rows) {
  const path = join(work, `${name}.jsonl`);
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return path;
}

/** A model directory with the weights of a checkpoint and everything else of the run's. */
function modelOf(checkpoint, outputDir, work) {
  const folder = join(work, "model");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const entry of readdirSync(outputDir, { withFileTypes: true })) {
    if (entry.isFile() && entry.name !== "model.safetensors")
      copyFileSync(join(outputDir, entry.name), join(folder, entry.name));
  }
  linkSync(join(checkpoint, "model.safetensors"), join(folder, "model.safetensors"));
  return folder;
}

async function score(classifier, rows) {
  const names = classifier.labels;
  const predictions = await classifier.predict(rows.map(({ text }) => text));
  const probabilities = Float64Array.from(
    predictions.flatMap((one) => names.map((name) => one.probabilities[name])),
  );
  const labels = Uint8Array.from(
    rows.flatMap((row) => names.map((name) => (row.labels.includes(name) ? 1 : 0))),
  );
  const loss = crossEntropy(probabilities, labels);
  const input = { probabilities, labels, names };
  return { input, metrics: scores(computeMetrics({ ...input, thresholds: 0.5, loss })) };
}

function crossEntropy(probabilities, labels) {
  let sum = 0;
  for (const [i, p] of probabilities.entries()) sum -= Math.log(Math.max(labels[i] === 1 ? p : 1 - p, 1e-12));
  return sum / probabilities.length;
}

function scores(metrics) {
  return Object.fromEntries(
    RULES.map(({ metric }) => metric)
      .filter(Boolean)
      .map((key) => [key, metrics[key]]),
  );
}

/** F1 on the test data with the one threshold for all labels that is best on the dev data. */
function tuned(dev, test) {
  const result = {};
  for (const key of ["micro_f1", "macro_f1"]) {
    let best = { value: -1, threshold: 0.5 };
    for (let threshold = 0.02; threshold < 0.99; threshold += 0.02) {
      const value = computeMetrics({ ...dev.input, thresholds: threshold })[key];
      if (value > best.value) best = { value, threshold };
    }
    result[`${key}_tuned`] = computeMetrics({ ...test.input, thresholds: best.threshold })[key];
  }
  return result;
}

function print(runs, setting) {
  for (const data of new Set(runs.map((run) => run.data))) {
    const these = runs.filter((run) => run.data === data && run.setting === setting);
    if (these.length === 0) continue;
    const rows = RULES.map((rule) => {
      const means = meansOf(these, rule, SHOWN);
      return [rule.name, short(means.share), ...SHOWN.map((key) => short(means[key]))];
    });
    printTable(`${data}, ${setting}: test scores of the checkpoint picked by …`, ["", "at", ...SHOWN], rows);
  }
}

function write({ output, checkpoints, threads, model }, runs) {
  const picked = runs.map(({ checkpoints: list, ...run }) => ({
    ...run,
    picked: Object.fromEntries(RULES.map((rule) => [rule.name, list[pick(list, rule)].step])),
    checkpoints: list,
  }));
  const settings = { checkpoints, threads, model, max_length: MAX_LENGTH, ...SETTINGS };
  writeResult(output, { settings, runs: picked }, "best-metric");
}
