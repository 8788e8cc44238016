#!/usr/bin/env node
// How finetag's cost grows with rows, text length, labels and model size.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { COLUMNS, findVocabulary, VOCABULARY_HELP, writeLines } from "./lib/data.mjs";
import { finetagTrain, finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { medians, printMachine, printTable, short, writeResult } from "./lib/report.mjs";
import { startFinetag, startPythonPeer } from "./lib/side.mjs";
import { syntheticLines } from "./lib/synthetic.mjs";

/** What a point is unless its axis says otherwise. */
const COMMON = { shape: "6x384", tokens: 32, labels: 28, rows: 512 };

/** By axis: its points, from the cheapest on, and the one at which transformers predicts as well. */
const AXES = {
  rows: { points: [1000, 4000, 16000, 64000].map((rows) => ({ shape: "2x128", rows })), anchor: 4000 },
  tokens: {
    // As many tokens in all at each point; attention alone grows faster than they do.
    points: [16, 32, 64, 128, 256, 512].map((tokens) => ({ tokens, rows: 16384 / tokens })),
    anchor: 128,
  },
  labels: { points: [10, 100, 1000, 10000].map((labels) => ({ labels })), anchor: 1000 },
  shape: {
    points: ["2x128", "4x256", "6x384", "8x512", "12x768"].map((shape) => ({ shape })),
    anchor: "6x384",
  },
};

const HELP = `pnpm bench:scale [options]

Time per row and peak memory of finetag in training and prediction, along four axes: rows, tokens per text, labels, and
model shape. Texts are synthetic, with words of a real vocabulary. At one point of each axis, Hugging Face transformers
predicts too, alternating with finetag; the ratios are its time to finetag's, and finetag's memory to its.

${VOCABULARY_HELP}
  --axis NAME      ${Object.keys(AXES).join(", ")}; may be repeated (default: all)
  --share PERCENT  share of the standard rows at each point (default 100)
  --rounds N       runs per point (default 3)
  --batch-size N   (default 32)
  --threads N      (default 2)
  --no-peer        finetag only
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ vocab: String, axis: Object.keys(AXES), share: 100, rounds: 3, "batch-size": 32, threads: 2 },
    ...{ "no-peer": false, output: String },
  },
  async ({ vocab, axis: names, output, ...settings }, work) => {
    const chosen = names.map((name) => [name, choose("axis", name, AXES)]);
    const vocabulary = await findVocabulary(vocab);
    const axes = {};
    const peerVersions = {};
    for (const [name, axis] of chosen) {
      axes[name] = await measure(name, axis, { ...settings, vocabulary, work, peerVersions });
      report(name, axes[name]);
    }
    const versions = { ...finetagVersions(), ...peerVersions };
    printMachine(settings.threads, versions);
    const { help, ...kept } = settings;
    writeResult(output, { settings: kept, versions, axes }, "scale");
  },
);

/** All points of an axis, round by round, so that a change of the machine's pace shows as one. */
async function measure(axis, { points, anchor }, settings) {
  const measured = points.map((point) => prepare(axis, { ...COMMON, ...point }, settings));
  for (let round = 0; round < settings.rounds; round++) {
    for (const { at, point, files, runs } of measured) {
      const run = await train(point, files, settings);
      const own = await predict(startFinetag, "finetag-predict.mjs", point, files, settings);
      Object.assign(run, { predict_ms: own.ms, predict_peak_mb: own.peak_mb });
      if (at === anchor && !settings["no-peer"]) {
        const peer = await predict(startPythonPeer, "hf_predict.py", point, files, settings);
        Object.assign(settings.peerVersions, peer.versions);
        Object.assign(run, {
          ...{ peer_predict_ms: peer.ms, peer_predict_peak_mb: peer.peak_mb },
          ...{ predict_speed_ratio: peer.ms / own.ms, predict_memory_ratio: own.peak_mb / peer.peak_mb },
        });
      }
      runs.push(run);
      const row = `${short(run.train_ms)} ms per row in training, ${short(run.predict_ms)} in prediction`;
      console.error(`${axis} ${at}, round ${round + 1} of ${settings.rounds}: ${row}`);
    }
  }
  for (const { files } of measured) rmSync(files.folder, { recursive: true });
  return measured.map(({ point, runs }) => ({ ...point, ...medians(runs), runs }));
}

/** Model, labels and texts of a point. */
function prepare(axis, standard, { share, vocabulary, work }) {
  const point = { ...standard, rows: Math.max(1, Math.round((standard.rows * share) / 100)) };
  const folder = join(work, `${axis}-${standard[axis]}`);
  mkdirSync(folder);
  const [model, data] = [join(folder, "model"), join(folder, "train.tsv")];
  const labels = writeLines(
    join(folder, "labels.txt"),
    Array.from({ length: point.labels }, (_, i) => `label${i}`),
  );
  const shape = ["--shape", point.shape, "--vocab", vocabulary];
  runPeer("make_model.py", [...shape, "--labels", labels, "--out", model]);
  const lines = syntheticLines({ ...point, vocabulary });
  writeLines(data, lines);
  const texts = lines.map((line) => line.split("\t")[0]);
  return { at: standard[axis], point, files: { folder, model, labels, data, texts }, runs: [] };
}

async function train({ rows, tokens }, { folder, model, labels, data }, settings) {
  const result = await finetagTrain(join(folder, "out"), [
    ...["--model", model, "--train", data, "--labels", labels, ...COLUMNS, "--max-length", tokens],
    ...["--batch-size", settings["batch-size"], "--threads", settings.threads, "--epochs", 1],
    "--no-tensorboard",
  ]);
  if (result.tokens !== rows * tokens) throw new Error(`${result.tokens} tokens, not ${rows} x ${tokens}`);
  return { train_ms: (1000 * result.wall_seconds) / rows, train_peak_mb: result.train.peak_rss_mb };
}

/** Milliseconds of a row and peak memory, of a warm process of its own. */
async function predict(start, script, point, { model, texts }, settings) {
  const { threads, "batch-size": batchSize } = settings;
  const side = await start(script, script, { model, threads, batchSize, maxLength: point.tokens });
  try {
    await side.ask({ do: "throughput", texts: texts.slice(0, 2 * batchSize) });
    const { seconds, peak_rss_mb } = await side.ask({ do: "throughput", texts });
    return { ms: (1000 * seconds) / texts.length, peak_mb: peak_rss_mb, versions: side.ready.versions };
  } finally {
    await side.stop();
  }
}

function report(axis, points) {
  const { rows, ...others } = points[0];
  const fixed = Object.entries(COMMON).filter(([name]) => name !== axis && name !== "rows");
  printTable(
    `${axis}; ${fixed.map(([name]) => `${name} ${others[name]}`).join(", ")}`,
    [axis, ...(axis === "rows" ? [] : ["rows"])].concat(
      ["train ms/row", "us/token", "peak MB", "predict ms/row", "us/token", "peak MB"],
      ["transformers ms/row", "peak MB", "times faster", "of its memory"],
    ),
    points.map((point) => [
      point[axis],
      ...(axis === "rows" ? [] : [point.rows]),
      ...[point.train_ms, (1000 * point.train_ms) / point.tokens, point.train_peak_mb].map(short),
      ...[point.predict_ms, (1000 * point.predict_ms) / point.tokens, point.predict_peak_mb].map(short),
      ...[point.peer_predict_ms, point.peer_predict_peak_mb].map(short),
      ...[point.predict_speed_ratio, point.predict_memory_ratio].map(short),
    ]),
  );
}
