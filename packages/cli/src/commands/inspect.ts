import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const inspect: Command = {
  name: "inspect",
  positional: {
    usage: "[DIR]",
    name: "DIR",
    description: "A model's directory, or the name of one in the cache",
  },
  description: "Show what a model directory holds",
  examples: [
    ["$0 inspect out", "shape, labels, weights that are read, made anew or not used, tokenizer"],
    ["$0 inspect chinese_L-12_H-768_A-12 --tensors", "each tensor, and the weight that it becomes"],
  ],
  epilogue: modelHelp("DIR"),
  load: async () => (await import("../actions/inspect.ts")).action,
};
