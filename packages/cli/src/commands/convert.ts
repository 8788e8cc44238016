import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const convert: Command = {
  name: "convert",
  positional: [
    { usage: "[SRC]", name: "SRC", description: "A model's directory, or the name of one in the cache" },
    { usage: "[DST]", name: "DST", description: "The folder to write" },
  ],
  description: "Turn a model of any format into a Hugging Face directory",
  examples: [
    [
      "$0 convert chinese_L-12_H-768_A-12 bert-base-chinese",
      "a TensorFlow checkpoint with its bert_config.json",
    ],
    ["$0 convert old-model new-model", "pytorch_model.bin to model.safetensors"],
    ["$0 convert old-model old-model --force", "the new files beside the old ones"],
  ],
  epilogue:
    `${modelHelp("SRC")}\n` +
    "DST gets config.json, model.safetensors in float32 and the tokenizer's files. train, eval and predict read SRC as it is, too.",
  load: async () => (await import("../actions/convert.ts")).action,
};
