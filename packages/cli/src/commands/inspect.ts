import type { Command } from "./command.ts";

export const inspect: Command = {
  name: "inspect",
  positional: { usage: "[DIR]", name: "DIR", description: "A model's directory" },
  description: "Show what a model directory holds",
  examples: [["$0 inspect out", "shape, labels, tensors, tokenizer"]],
  load: async () => (await import("../actions/inspect.ts")).action,
};
