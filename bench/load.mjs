#!/usr/bin/env node
// Opening a model from each format of weights: time beside plain reading of the same files, and peak memory.

import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWeights } from "../packages/ts-api/dist/checkpoint/index.js";
import { SetupError } from "../scripts/lib/errors.mjs";
import { googleName, writeBundle } from "./lib/bundle.mjs";
import { findVocabulary, VOCABULARY_HELP, writeLines } from "./lib/data.mjs";
import { finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { median, medians, printMachine, printTable, short, writeResult } from "./lib/report.mjs";
import { Side } from "./lib/side.mjs";

/** By format: what puts the weights of a safetensors directory into another one. */
const FORMATS = {
  safetensors: (model, out) => cpSync(join(model, "model.safetensors"), join(out, "model.safetensors")),
  pytorch: (model, out) => runPeer("save_bin.py", ["--model", model, "--out", out]),
  "pytorch-old": (model, out) => runPeer("save_bin.py", ["--model", model, "--out", out, "--old"]),
  tensorflow: writeCheckpoint,
};

const WEIGHTS = /\.(safetensors|bin|index)$|\.data-/;

const HELP = `pnpm bench:load [options]

Seconds and peak memory of opening a model from each format of weights, each time in a process of its own, beside
reading the same files through Node. Memory is that of the whole process; its ratio is to the weights in float32.

${VOCABULARY_HELP}
  --format NAME    ${Object.keys(FORMATS).join(", ")}; may be repeated (default: all)
  --shape NAME     of the model (default 24x1024, BERT-large's; 12x768 is BERT-base's)
  --rounds N       turns of each side (default 3)
  --threads N      (default 2)
  --cold           drop the system's cache of files before each turn (Linux, as root): what the disk gives
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ vocab: String, format: Object.keys(FORMATS), shape: "24x1024", rounds: 3, threads: 2 },
    ...{ cold: false, output: String },
  },
  async ({ vocab, format: names, shape, output, ...settings }, work) => {
    const chosen = names.map((name) => [name, choose("format", name, FORMATS)]);
    if (settings.cold) dropCache();
    const model = join(work, "model");
    const labels = writeLines(join(work, "labels.txt"), ["a", "b"]);
    runPeer("make_model.py", [
      ...["--shape", shape, "--vocab", await findVocabulary(vocab), "--labels", labels, "--out", model],
    ]);
    const bytes = statSync(join(model, "model.safetensors")).size;
    const formats = {};
    for (const [name, write] of chosen) {
      const folder = join(work, name);
      mkdirSync(folder);
      for (const file of readdirSync(model).filter((each) => !WEIGHTS.test(each))) {
        cpSync(join(model, file), join(folder, file));
      }
      await write(model, folder);
      formats[name] = await measure(name, folder, bytes, settings);
      rmSync(folder, { recursive: true });
    }
    report(shape, bytes, formats, settings);
    printMachine(settings.threads);
    const { help, ...kept } = settings;
    const versions = finetagVersions();
    writeResult(output, { settings: { shape, ...kept }, versions, weight_bytes: bytes, formats }, "load");
  },
);

async function measure(name, folder, bytes, { rounds, threads, cold }) {
  const names = readdirSync(folder).filter((file) => WEIGHTS.test(file));
  const files = names.map((file) => join(folder, file));
  const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
  const runs = [];
  for (let round = 0; round < rounds; round++) {
    const plain = await once("read-file.mjs", { files }, "read", cold);
    const load = await once("finetag-load.mjs", { model: folder, threads }, "load", cold);
    runs.push({
      read_mb_per_second: megabytes / plain.seconds,
      load_mb_per_second: megabytes / load.seconds,
      share_of_reading: plain.seconds / load.seconds,
      peak_mb: load.peak_rss_mb,
      before_mb: load.before_rss_mb,
      peak_share: (load.peak_rss_mb * 2 ** 20) / bytes,
    });
    const { load_mb_per_second: rate, peak_mb: peak } = runs.at(-1);
    console.error(
      `${name}, round ${round + 1} of ${rounds}: ${short(rate)} MB/s, peak ${Math.round(peak)} MB`,
    );
  }
  return { megabytes, ...medians(runs), runs };
}

async function once(script, settings, verb, cold) {
  const environment = { OMP_NUM_THREADS: String(settings.threads ?? 1) };
  const command = [process.execPath, join(import.meta.dirname, "sides", script)];
  const side = await Side.start(script, command, settings, environment);
  try {
    if (cold) dropCache();
    return { before_rss_mb: side.ready.peak_rss_mb, ...(await side.ask({ do: verb })) };
  } finally {
    await side.stop();
  }
}

function dropCache() {
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "1");
  } catch (error) {
    throw new SetupError(`--cold: the cache of files cannot be dropped here (${error.code}); leave it out`);
  }
}

async function writeCheckpoint(model, out) {
  const file = await openWeights(model);
  try {
    const variables = file.entries().map(({ name, shape }) => {
      const google = googleName(name);
      // The values mean nothing: those of a kernel may stay where they are while it changes its shape.
      const turned = google.endsWith("/kernel") ? shape.toReversed() : shape;
      return { name: google, shape: turned, read: () => file.readBytes(name) };
    });
    variables.sort((a, b) => (a.name < b.name ? -1 : 1));
    await writeBundle(join(out, "bert_model.ckpt"), variables);
  } finally {
    await file.close();
  }
}

function report(shape, bytes, formats, { cold }) {
  printTable(
    `${shape}, ${short(bytes / 1e6)} MB of float32, ${cold ? "from the disk" : "files in the system's cache"}`,
    ["", "MB", "plain MB/s", "load MB/s", "share", "peak MB", "before", "peak / weights"],
    Object.entries(formats).map(([name, each]) => [
      ...[name, Math.round(each.megabytes), short(each.read_mb_per_second), short(each.load_mb_per_second)],
      ...[short(each.share_of_reading), Math.round(each.peak_mb), Math.round(each.before_mb)],
      short(each.peak_share),
    ]),
  );
  const shares = Object.values(formats).map((each) => each.peak_share);
  console.log(`  median of peak / weights: ${short(median(shares))}`);
}
