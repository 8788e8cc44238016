import type { Command } from "./command.ts";
import { modelHelp } from "./formats.ts";

export const convert: Command = {
  name: "convert",
  positional: [
    { usage: "[SRC]", name: "SRC", description: "A model directory, or the name of a model in the cache" },
    { usage: "[DST]", name: "DST", description: "The directory to write" },
  ],
  description: "Convert a model of any supported format to a Hugging Face directory",
  examples: [
    [
      "$0 convert chinese_L-12_H-768_A-12 bert-base-chinese",
      "convert a TensorFlow checkpoint with its bert_config.json",
    ],
    ["$0 convert old-model new-model", "convert pytorch_model.bin to model.safetensors"],
    ["$0 convert old-model old-model --force", "convert in place, next to the old files"],
  ],
  epilogue:
    `${modelHelp("SRC")}\n` +
    "Writes config.json, model.safetensors in float32 and the tokenizer's files to DST. train, eval and predict also read SRC directly.",
  load: async () => (await import("../actions/convert.ts")).action,
};
