import type { Command } from "./command.ts";

export const evaluate: Command = {
  name: "eval",
  description: "Tell how good a model is on labelled texts",
  examples: [
    ["$0 eval --model out --data test.csv", "a table; columns as in training"],
    ["$0 eval --model out --data test.csv --output metrics.json", "and the same figures as JSON"],
    ["$0 eval --model out --data test.csv --precision int8", "quantized, and beside float32"],
  ],
  load: async () => (await import("../actions/eval.ts")).action,
};
