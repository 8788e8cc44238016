import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const inspect: Command = {
  name: "inspect",
  positional: {
    usage: "[DIR]",
    name: "DIR",
    description: "A model directory, or the name of a model in the cache",
  },
  description: "Show the contents of a model directory",
  examples: [
    ["$0 inspect out", "architecture, labels, tokenizer; which weights are loaded, new or unused"],
    [
      "$0 inspect chinese_L-12_H-768_A-12 --tensors",
      "also every tensor, and the parameter it is loaded into",
    ],
  ],
  epilogue: modelHelp("DIR"),
  load: async () => (await import("../actions/inspect.ts")).action,
};
