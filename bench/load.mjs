#!/usr/bin/env node
// Opening a model from each weight format: time compared with plain reading of the same files, and peak memory.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWeights } from "../packages/ts-api/dist/weights/index.js";
import { googleName, writeBundle } from "./lib/bundle.mjs";
import { findVocabulary, VOCABULARY_HELP, writeLines } from "./lib/data.mjs";
import { finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { medians, printMachine, printTable, short, writeResult } from "./lib/report.mjs";
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

Time and peak memory of opening a model from each weight format, each time in a new process, alternating with reading the
same files through Node: from the disk, if the system's cache can be dropped (Linux, as root), and from that cache. Memory
is that of the whole process; its ratio is to the weights in float32.

${VOCABULARY_HELP}
  --format NAME    ${Object.keys(FORMATS).join(", ")}; may be repeated (default: all)
  --shape NAME     shape of the model (default 24x1024, BERT-large's; 12x768 is BERT-base's)
  --rounds N       rounds of each side (default 3)
  --threads N      (default 2)
  --warm           only from the cache
  --unprepared     do not free memory before each round (see bench/README.md)
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ vocab: String, format: Object.keys(FORMATS), shape: "24x1024", rounds: 3, threads: 2 },
    ...{ warm: false, unprepared: false, output: String },
  },
  async ({ vocab, format: names, shape, output, ...settings }, work) => {
    const chosen = names.map((name) => [name, choose("format", name, FORMATS)]);
    const states = settings.warm || !canDropCache() ? ["warm"] : ["cold", "warm"];
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
      formats[name] = await measure(name, folder, bytes, states, settings);
      rmSync(folder, { recursive: true });
    }
    for (const state of states) report(shape, bytes, formats, state);
    const { help, ...kept } = settings;
    const versions = finetagVersions();
    printMachine(settings.threads, versions);
    writeResult(output, { settings: { shape, ...kept }, versions, weight_bytes: bytes, formats }, "load");
  },
);

async function measure(name, folder, bytes, states, { rounds, threads, unprepared }) {
  const names = readdirSync(folder).filter((file) => WEIGHTS.test(file));
  const files = names.map((file) => join(folder, file));
  const megabytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;
  const runs = Object.fromEntries(states.map((state) => [state, []]));
  for (let round = 0; round < rounds; round++) {
    for (const state of states) {
      const prepare = () => {
        if (!unprepared) touchMemory(3 * bytes); // the weights, the files in the system's cache, and some more
        if (state === "cold") dropCache();
      };
      const plain = await once("read-file.mjs", { files }, "read", prepare);
      const kept = await once("read-file.mjs", { files }, "keep", prepare);
      const load = await once("finetag-load.mjs", { model: folder, threads }, "load", prepare);
      const run = {
        read_mb_per_second: megabytes / plain.seconds,
        keep_mb_per_second: megabytes / kept.seconds,
        load_mb_per_second: megabytes / load.seconds,
        share_of_reading: plain.seconds / load.seconds,
        share_of_keeping: kept.seconds / load.seconds,
        cpu_seconds: load.cpu_seconds,
        peak_mb: load.peak_rss_mb,
        before_mb: load.before_rss_mb,
        peak_share: (load.peak_rss_mb * 2 ** 20) / bytes,
      };
      runs[state].push(run);
      const rates = [run.load_mb_per_second, run.read_mb_per_second, run.keep_mb_per_second].map(short);
      const turn = `${name}, round ${round + 1} of ${rounds}, ${state}`;
      console.error(`${turn}: ${rates[0]} MB/s, plain ${rates[1]} MB/s, kept ${rates[2]} MB/s`);
    }
  }
  const results = states.map((state) => [state, { ...medians(runs[state]), runs: runs[state] }]);
  return { megabytes, ...Object.fromEntries(results) };
}

async function once(script, settings, verb, prepare) {
  const environment = { OMP_NUM_THREADS: String(settings.threads ?? 1) };
  const command = [process.execPath, join(import.meta.dirname, "sides", script)];
  const side = await Side.start(script, command, settings, environment);
  try {
    prepare();
    return { before_rss_mb: side.ready.peak_rss_mb, ...(await side.ask({ do: verb })) };
  } finally {
    await side.stop();
  }
}

/** Takes so much memory in a process that ends at once: it is then the system's to give. */
function touchMemory(bytes) {
  execFileSync(process.execPath, ["-e", `Buffer.alloc(${bytes}, 1)`]);
}

function canDropCache() {
  try {
    dropCache();
    return true;
  } catch (error) {
    console.error(`cannot drop the file cache (${error.code}); measuring from the cache only`);
    return false;
  }
}

function dropCache() {
  writeFileSync("/proc/sys/vm/drop_caches", "1");
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

function report(shape, bytes, formats, state) {
  const from = state === "cold" ? "from the disk (cold)" : "files in the system's cache (warm)";
  printTable(
    `${shape}, ${short(bytes / 1e6)} MB of float32, ${from}`,
    [
      ...["", "MB", "plain MB/s", "kept MB/s", "load MB/s", "of plain", "of kept"],
      ...["CPU s", "peak MB", "before", "peak / weights"],
    ],
    Object.entries(formats).map(([name, { megabytes, [state]: each }]) => [
      ...[name, Math.round(megabytes), short(each.read_mb_per_second), short(each.keep_mb_per_second)],
      ...[short(each.load_mb_per_second), short(each.share_of_reading), short(each.share_of_keeping)],
      ...[short(each.cpu_seconds), Math.round(each.peak_mb), Math.round(each.before_mb)],
      short(each.peak_share),
    ]),
  );
}
