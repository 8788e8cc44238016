#!/usr/bin/env node
// Training speed compared with Hugging Face Trainer: the same rows, weights, seeds and threads, alternating.

import { join } from "node:path";
import { COLUMNS, DATA_HELP, findVocabulary, first, openTexts, writeLines } from "./lib/data.mjs";
import { finetagTrain, finetagVersions } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import {
  checkSameWork,
  median,
  medians,
  printMachine,
  printTable,
  short,
  writeResult,
} from "./lib/report.mjs";

/** Rows such that a run of the slower side takes a minute. `full`: every text is as long as the model takes. */
const CASES = {
  "6x384": { shape: "6x384", rows: 1600, batchSize: 32, maxLength: 128 },
  "12x768": { shape: "12x768", rows: 384, batchSize: 32, maxLength: 128 },
  "12x768-full": { shape: "12x768", rows: 64, batchSize: 16, maxLength: 128, full: true },
};

const HELP = `pnpm bench:train [options]

Training speed and peak memory of finetag and Hugging Face Trainer, plain and with group_by_length, one epoch.

${DATA_HELP}
  --case NAME      6x384, 12x768, or 12x768-full (every text has the full length); may be repeated (default: all)
  --rows N         rows per run (default ${Object.entries(CASES)
    .map(([name, { rows }]) => `${rows} for ${name}`)
    .join(", ")})
  --rounds N       runs per side (default 3)
  --batch-size N   (default 32; 16 for 12x768-full)
  --max-length N   (default 128)
  --threads N      (default 2)
  --output FILE    where the JSON goes (default: finetag's .cache)`;

await runBenchmark(
  HELP,
  {
    ...{ data: String, vocab: String, case: Object.keys(CASES), rows: Number, rounds: 3, threads: 2 },
    ...{ "batch-size": Number, "max-length": Number, output: String },
  },
  async ({ data, vocab, case: names, rounds, threads, output, ...values }, work) => {
    const chosen = names.map((name) => [name, choose("case", name, CASES)]);
    const source = { ...(await openTexts(data)), vocabulary: await findVocabulary(vocab) };
    const cases = {};
    for (const [name, standard] of chosen) {
      const options = {
        ...{ ...standard, rounds, threads },
        rows: values.rows ?? standard.rows,
        batchSize: values["batch-size"] ?? standard.batchSize,
        maxLength: values["max-length"] ?? standard.maxLength,
      };
      cases[name] = await bench(name, source, options, join(work, name));
    }
    printMachine(threads, Object.values(cases)[0].versions);
    writeResult(output, { cases }, "train");
  },
);

async function bench(name, { lines, labels, vocabulary }, options, model) {
  const { shape, rows, rounds, batchSize, maxLength, threads, full } = options;
  runPeer("make_model.py", ["--shape", shape, "--vocab", vocabulary, "--labels", labels, "--out", model]);
  const train = writeLines(`${model}.tsv`, first(full ? longTexts(lines, maxLength) : lines, rows));
  const common = [
    ...["--model", model, "--train", train, "--labels", labels, "--batch-size", batchSize],
    ...["--max-length", maxLength, "--threads", threads, "--epochs", 1, "--seed", 42],
  ];
  const sides = {
    finetag: () => finetag(`${model}-out`, common, rows),
    trainer: () => trainer(common),
    // Where all texts have one length there is nothing to group.
    ...(!full && { "trainer grouped": () => trainer([...common, "--group-by-length"]) }),
  };
  const runs = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  let versions = finetagVersions();
  // From here on the tokens are kept, so that the first step's time is the same thing in every round.
  await finetagTrain(`${model}-out`, [...finetagArguments(common), "--max-steps", 1]);
  for (let round = 0; round < rounds; round++) {
    for (const [side, run] of Object.entries(sides)) {
      const { versions: told, ...result } = await run();
      versions = { ...versions, ...told };
      runs[side].push(result);
      console.error(
        `${name}, round ${round + 1} of ${rounds}, ${side}: ${short(result.texts_per_second)} texts/s`,
      );
    }
  }
  checkSameWork(runs, full ? rows * maxLength : runs.finetag[0].tokens);
  const result = summarize(runs);
  report(name, options, result);
  return { settings: options, versions, ...result, runs };
}

function finetagArguments(common) {
  return [...common, ...COLUMNS, "--no-tensorboard"];
}

async function finetag(output, args, rows) {
  const result = await finetagTrain(output, finetagArguments(args));
  const { wall_seconds, first_step_seconds, tokens, train } = result;
  return {
    texts_per_second: rows / wall_seconds,
    tokens_per_second: tokens / wall_seconds,
    peak_rss_mb: train.peak_rss_mb,
    first_step_seconds,
    loss: train.loss,
    tokens,
  };
}

function trainer(args) {
  const { samples_per_second, tokens_per_second, peak_rss_mb, loss, tokens, versions } = runPeer(
    "hf_trainer.py",
    args,
  );
  return { texts_per_second: samples_per_second, tokens_per_second, peak_rss_mb, loss, tokens, versions };
}

/** Medians by side, and finetag's rate by the peer's of the same round: both saw the same state of the machine. */
function summarize(runs) {
  const { finetag, ...peers } = runs;
  const ratios = Object.entries(peers).map(([side, theirs]) => [
    `finetag / ${side}`,
    {
      speed: median(finetag.map((run, i) => run.texts_per_second / theirs[i].texts_per_second)),
      memory: median(finetag.map((run, i) => run.peak_rss_mb / theirs[i].peak_rss_mb)),
    },
  ]);
  return {
    sides: Object.fromEntries(Object.entries(runs).map(([side, list]) => [side, medians(list)])),
    ratios: Object.fromEntries(ratios),
  };
}

function report(name, { rows, batchSize }, { sides, ratios }) {
  printTable(
    `${name}: ${rows} texts of ${sides.finetag.tokens} tokens, batches of ${batchSize}`,
    ["", "texts/s", "tokens/s", "peak MB", "loss"],
    Object.entries(sides).map(([side, found]) => [
      side,
      short(found.texts_per_second),
      short(found.tokens_per_second),
      Math.round(found.peak_rss_mb),
      found.loss.toFixed(4),
    ]),
  );
  for (const [side, { speed, memory }] of Object.entries(ratios)) {
    console.log(`  ${side}: ${short(speed)} x the speed, ${short(memory)} x the memory`);
  }
  console.log(
    `  finetag's first step is done ${short(sides.finetag.first_step_seconds)} s after its process starts (model and tokens cached)`,
  );
}

/** Lines whose texts fill `tokens`: a word is a token at least. Each has the labels and id of its first part. */
function longTexts(lines, tokens) {
  const long = [];
  let words = [];
  let rest;
  for (const line of lines) {
    const [text, ...others] = line.split("\t");
    rest ??= others;
    words.push(...text.split(" ").filter((word) => /\w/.test(word)));
    if (words.length < tokens) continue;
    long.push([words.join(" "), ...rest].join("\t"));
    words = [];
    rest = undefined;
  }
  return long;
}
