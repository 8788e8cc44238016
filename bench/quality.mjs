#!/usr/bin/env node
// Scores against Hugging Face Trainer: the same weights, rows and settings, several seeds of each side.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { finetagTrain } from "./lib/finetag.mjs";
import { runPeer } from "./lib/peer.mjs";
import { writeResult } from "./lib/report.mjs";

const HELP = `pnpm bench:quality -- --model DIR --train FILE --test FILE --labels FILE [--seeds 42,43] [--side finetag|hf]

Fine-tunes for 3 epochs (rate 5e-5, batch 32, warm-up 0.1, decay 0.01, 64 tokens) and scores the test file with
threshold 0.5. Files in GoEmotions' layout: text, label ids, id; tab-separated, no header. --output FILE: the JSON.`;

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    train: { type: "string" },
    test: { type: "string" },
    labels: { type: "string" },
    seeds: { type: "string", default: "42,43" },
    side: { type: "string" },
    output: { type: "string" },
    help: { type: "boolean" },
  },
});
if (values.help || !values.model || !values.train || !values.test || !values.labels) {
  console.log(HELP);
  process.exit(values.help ? 0 : 2);
}

const settings = [
  ...["--epochs", 3, "--learning-rate", 5e-5, "--batch-size", 32, "--warmup-ratio", 0.1],
  ...["--weight-decay", 0.01, "--max-length", 64],
];
const files = ["--model", values.model, "--train", values.train, "--labels", values.labels];
const pick = ({ loss, micro_f1, macro_f1, roc_auc_macro }) => ({ loss, micro_f1, macro_f1, roc_auc_macro });

const sides = {
  finetag: async (seed) => {
    const out = mkdtempSync(join(tmpdir(), "finetag-quality-"));
    const columns = ["--no-header", "--columns", "text,labels,id", "--labels-column", "labels"];
    const more = ["--test", values.test, "--seed", seed, "--no-tensorboard"];
    const { train, test } = await finetagTrain(out, [...files, ...columns, ...settings, ...more]);
    rmSync(out, { recursive: true, force: true });
    return {
      seed,
      ...pick(test),
      train_samples_per_second: train.samples_per_second,
      train_loss: train.loss,
    };
  },
  hf: async (seed) => {
    const result = runPeer("hf_trainer.py", [...files, ...settings, "--eval", values.test, "--seed", seed]);
    return { seed, ...pick(result.eval), train_samples_per_second: result.samples_per_second };
  },
};

const results = {};
for (const seed of values.seeds.split(",").map(Number)) {
  for (const [name, side] of Object.entries(sides)) {
    if (values.side && values.side !== name) continue;
    const result = await side(seed);
    console.log(name, JSON.stringify(result));
    results[name] = [...(results[name] ?? []), result];
  }
}
if (values.output) writeResult(values.output, { settings: settings.join(" "), results });
