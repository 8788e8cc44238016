import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const train: Command = {
  name: "train",
  description: "Fine-tune a model on labelled texts",
  examples: [
    [
      "$0 train --model all-MiniLM-L6-v2 --train train.csv --dev dev.csv --output-dir out",
      "a CSV with a text column and one 0/1 column a label",
    ],
    [
      "$0 train --model DIR --data-dir data --output-dir out",
      "a folder with train.csv, dev.csv, test.csv, classes.txt",
    ],
    [
      "$0 train --model DIR --train t.tsv --no-header --columns text,labels,id --labels-column labels --labels labels.txt --dev-split 0.1 --output-dir out",
      "a TSV whose second column lists label ids",
    ],
    ["$0 train --config run.yaml --learning-rate 3e-5", "options from a file, one of them changed"],
    ["$0 train --config run.yaml --resume", "go on after an interruption"],
  ],
  epilogue:
    `${modelHelp("The directory of --model")}\n` +
    "The best model is written to OUTPUT_DIR itself, checkpoints to OUTPUT_DIR/checkpoints, figures to OUTPUT_DIR/metrics.json.\n" +
    "Ctrl-C finishes the step and writes a checkpoint; --resume goes on from it.",
  load: async () => (await import("../actions/train.ts")).action,
};
