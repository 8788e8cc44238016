import type { Command } from "./command.ts";

export const predict: Command = {
  name: "predict",
  positional: { usage: "[TEXT..]", name: "TEXT", description: "Texts to label" },
  description: "Give labels to texts",
  examples: [
    ['$0 predict --model out "What a lovely day"', "one JSON object a text"],
    ["$0 predict --model out --input new.csv --output labels.jsonl", "a file; columns as in training"],
    [
      "$0 predict --model out --input test.csv --output test_results.tsv",
      "the file of the TensorFlow 1 tool",
    ],
    ["cat texts.txt | $0 predict --model out", "one text a line"],
    ["$0 predict --model out", "type a text, see its labels"],
  ],
  epilogue:
    "Formats: jsonl (id, text, labels, probabilities), csv (id, text, one probability column a label), tsv (the " +
    "TensorFlow 1 tool's test_results.tsv: no header, id and probabilities with commas between them).",
  load: async () => (await import("../actions/predict.ts")).action,
};
