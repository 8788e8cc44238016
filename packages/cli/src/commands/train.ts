import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const train: Command = {
  name: "train",
  description: "Fine-tune a model on labelled data",
  examples: [
    [
      "$0 train --model all-MiniLM-L6-v2 --train train.csv --dev dev.csv --output-dir out",
      "CSV files with a text column and one 0/1 column per label",
    ],
    [
      "$0 train --model DIR --data-dir data --output-dir out",
      "a directory with train.csv, dev.csv, test.csv and classes.txt",
    ],
    [
      "$0 train --model DIR --train t.tsv --no-header --columns text,labels,id --labels-column labels --labels labels.txt --dev-split 0.1 --output-dir out",
      "a TSV file without a header, whose second column lists label ids",
    ],
    ["$0 train --config run.yaml --learning-rate 3e-5", "options from a file, with another learning rate"],
    ["$0 train --config run.yaml --resume", "continue after an interruption"],
  ],
  epilogue:
    `${modelHelp("The directory given as --model")}\n` +
    "The best model is written to OUTPUT_DIR, checkpoints to OUTPUT_DIR/checkpoints, metrics to OUTPUT_DIR/metrics.json.\n" +
    "Ctrl-C finishes the current step and writes a checkpoint; --resume continues from there.",
  load: async () => (await import("../actions/train.ts")).action,
};
