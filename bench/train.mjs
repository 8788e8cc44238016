#!/usr/bin/env node
// Training speed against Hugging Face Trainer: the same rows, weights, seeds and threads, in turns.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { finetagTrain } from "./lib/finetag.mjs";
import { runPeer } from "./lib/peer.mjs";
import { hardware, median, writeResult } from "./lib/report.mjs";

const HELP = `pnpm bench:train -- --train FILE --labels FILE --vocab FILE [options]

  --train FILE     texts in GoEmotions' layout: text, label ids, id; tab-separated, no header
  --labels FILE    its labels, one a line
  --vocab FILE     vocab.txt of a lower-casing WordPiece tokenizer
  --shape SHAPE    6x384 (default) or 12x768
  --rows N         rows of each run (default 2000)
  --rounds N       runs of each side (default 3)
  --batch-size N   (default 32)       --max-length N   (default 128)
  --threads N      (default 2)        --output FILE    where the JSON goes`;

const { values } = parseArgs({
  options: {
    train: { type: "string" },
    labels: { type: "string" },
    vocab: { type: "string" },
    shape: { type: "string", default: "6x384" },
    rows: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    "batch-size": { type: "string", default: "32" },
    "max-length": { type: "string", default: "128" },
    threads: { type: "string", default: "2" },
    output: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help || !values.train || !values.labels || !values.vocab) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}
for (const file of [values.train, values.labels, values.vocab]) {
  if (!existsSync(file)) throw new Error(`${file}: no such file`);
}

const work = mkdtempSync(join(tmpdir(), "finetag-bench-"));
try {
  await bench();
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bench() {
  const model = join(work, "model");
  runPeer("make_model.py", [
    "--shape",
    values.shape,
    "--vocab",
    values.vocab,
    "--labels",
    values.labels,
    "--out",
    model,
  ]);
  const rows = Number(values.rows);
  const train = join(work, "train.tsv");
  writeFileSync(train, `${readFileSync(values.train, "utf8").split("\n").slice(0, rows).join("\n")}\n`);
  const common = [
    ...["--model", model, "--train", train, "--labels", values.labels, "--batch-size", values["batch-size"]],
    ...["--max-length", values["max-length"], "--threads", values.threads, "--epochs", 1, "--seed", 42],
  ];
  const columns = ["--no-header", "--columns", "text,labels,id", "--labels-column", "labels"];
  const sides = {
    finetag: async () => {
      const { wall_seconds, train: measured } = await finetagTrain(join(work, "out"), [
        ...common,
        ...columns,
        "--no-tensorboard",
      ]);
      return { rate: rows / wall_seconds, loss: measured.loss, peak_rss_mb: measured.peak_rss_mb };
    },
    hf: async () => peer(common),
    hf_grouped: async () => peer([...common, "--group-by-length"]),
  };
  const runs = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [name, side] of Object.entries(sides)) {
      const result = await side();
      runs[name].push(result);
      console.error(
        `round ${round + 1} ${name}: ${result.rate.toFixed(1)} texts/s, ${Math.round(result.peak_rss_mb)} MB`,
      );
    }
  }
  const table = Object.fromEntries(
    Object.entries(runs).map(([name, results]) => [
      name,
      {
        texts_per_second: median(results.map(({ rate }) => rate)),
        peak_rss_mb: median(results.map(({ peak_rss_mb }) => peak_rss_mb)),
        loss: results[0].loss,
      },
    ]),
  );
  const speed = (name) => table[name].texts_per_second;
  // Ratios of the same round: both sides then saw the same state of the machine.
  const ratio = (peerName) => median(runs.finetag.map(({ rate }, i) => rate / runs[peerName][i].rate));
  const ratios = { plain: ratio("hf"), grouped: ratio("hf_grouped") };
  console.log(
    `${values.shape}, ${rows} rows, batch ${values["batch-size"]}, ${values.threads} threads; ${hardware().cpu}`,
  );
  for (const name of Object.keys(table)) {
    console.log(
      `${name.padEnd(12)} ${speed(name).toFixed(1).padStart(8)} texts/s ${Math.round(table[name].peak_rss_mb)} MB`,
    );
  }
  console.log(`ratio: ${ratios.plain.toFixed(2)} x plain, ${ratios.grouped.toFixed(2)} x grouped`);
  const { train: _train, labels: _labels, vocab: _vocab, output, ...settings } = values;
  if (output) writeResult(output, { settings, medians: table, ratios, runs });
}

async function peer(args) {
  const { samples_per_second: rate, loss, peak_rss_mb } = runPeer("hf_trainer.py", args);
  return { rate, loss, peak_rss_mb };
}
