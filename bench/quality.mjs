#!/usr/bin/env node
// Scores compared with Hugging Face Trainer: the same weights, rows and settings, several seeds per side.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../scripts/lib/errors.mjs";
import { COLUMNS } from "./lib/data.mjs";
import { finetagTrain } from "./lib/finetag.mjs";
import { choose, runBenchmark } from "./lib/options.mjs";
import { runPeer } from "./lib/peer.mjs";
import { writeResult } from "./lib/report.mjs";

const HELP = `pnpm bench:quality --model DIR --train FILE --test FILE --labels FILE [--seeds 42,43] [--side finetag|hf]

Fine-tunes for 3 epochs (rate 5e-5, batch 32, warm-up 0.1, decay 0.01, 64 tokens) and evaluates on the test file
with threshold 0.5. Files have GoEmotions' layout: text, label ids, id; tab-separated, no header.
--output FILE: where the JSON goes (default: finetag's .cache)`;

const SETTINGS = [
  ...["--epochs", 3, "--learning-rate", 5e-5, "--batch-size", 32, "--warmup-ratio", 0.1],
  ...["--weight-decay", 0.01, "--max-length", 64],
];

const SIDES = { finetag, hf };

await runBenchmark(
  HELP,
  {
    ...{ model: String, train: String, test: String, labels: String },
    ...{ seeds: "42,43", side: String, output: String },
  },
  async (values, work) => {
    for (const name of ["model", "train", "test", "labels"]) {
      if (values[name] === undefined) throw new SetupError(`--${name} is missing; see --help`);
      if (!existsSync(values[name]))
        throw new SetupError(`--${name} ${values[name]}: no such file or folder`);
    }
    if (values.side !== undefined) choose("side", values.side, SIDES);
    const results = {};
    for (const seed of values.seeds.split(",").map(Number)) {
      for (const [name, side] of Object.entries(SIDES)) {
        if (values.side !== undefined && values.side !== name) continue;
        const result = await side(values, seed, join(work, "out"));
        console.log(name, JSON.stringify(result));
        results[name] = [...(results[name] ?? []), result];
      }
    }
    writeResult(values.output, { settings: SETTINGS.join(" "), results }, "quality");
  },
);

async function finetag(values, seed, output) {
  // The peer draws batches from the whole epoch.
  const more = ["--no-group-by-length", "--test", values.test, "--seed", seed, "--no-tensorboard"];
  const { train, test } = await finetagTrain(output, [...files(values), ...COLUMNS, ...SETTINGS, ...more]);
  return {
    seed,
    ...scores(test),
    train_samples_per_second: train.samples_per_second,
    train_loss: train.loss,
  };
}

function hf(values, seed) {
  const args = [...files(values), ...SETTINGS, "--eval", values.test, "--seed", seed];
  const result = runPeer("hf_trainer.py", args);
  return { seed, ...scores(result.eval), train_samples_per_second: result.samples_per_second };
}

function files({ model, train, labels }) {
  return ["--model", model, "--train", train, "--labels", labels];
}

function scores({ loss, micro_f1, macro_f1, roc_auc_macro }) {
  return { loss, micro_f1, macro_f1, roc_auc_macro };
}
