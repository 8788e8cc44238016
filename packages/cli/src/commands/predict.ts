import type { Command } from "./command.ts";

export const predict: Command = {
  name: "predict",
  positional: {
    usage: "[TEXT..]",
    name: "TEXT",
    description: "Texts to label; without any, --input or stdin is read",
  },
  description: "Predict the labels of texts",
  examples: [
    ['$0 predict --model out "What a lovely day"', "print one JSON object per text"],
    [
      "$0 predict --model out --input new.csv --output labels.jsonl",
      "label a file; the columns are those of the training data",
    ],
    [
      "$0 predict --model out --input test.csv --output test_results.tsv",
      "write the format of the TensorFlow 1 tool",
    ],
    ["cat texts.txt | $0 predict --model out", "read one text per line"],
    ["$0 predict --model out", "type texts and see their labels"],
  ],
  epilogue:
    "Formats: jsonl (id, text, labels, probabilities), csv (id, text, labels, one probability column per label), tsv (the " +
    "TensorFlow 1 tool's test_results.tsv: no header; the id and the probabilities, separated by commas).",
  load: async () => (await import("../actions/predict.ts")).action,
};
