import type { Command } from "./command.ts";

export const data: Command = {
  name: "data",
  positional: { usage: "[FILE]", name: "FILE", description: "A file with labelled texts" },
  description: "Show how a data file is read: its format, columns and labels, with counts",
  examples: [
    ["$0 data train.csv", "text and label columns, what is not used, rows per label"],
    ["$0 data train.csv --labels-column tags --label-separator ';'", "with options of train"],
    ["$0 data train.csv --json", "plan and counts as JSON"],
  ],
  epilogue:
    "train and eval read a file in the same way. The model stores it, and its other files are read so too.",
  load: async () => (await import("../actions/data.ts")).action,
};
