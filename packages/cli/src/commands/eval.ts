import type { Command } from "./command.ts";

export const evaluate: Command = {
  name: "eval",
  description: "Evaluate a model on labelled data",
  examples: [
    ["$0 eval --model out --data test.csv", "print a table; the columns are those of the training data"],
    ["$0 eval --model out --data test.csv --output metrics.json", "also write the metrics as JSON"],
    ["$0 eval --model out --data test.csv --precision int8", "evaluate in int8, and compare with float32"],
  ],
  load: async () => (await import("../actions/eval.ts")).action,
};
