import type { Command } from "./command.ts";

export const push: Command = {
  name: "push",
  positional: {
    usage: "[WHERE..]",
    name: "WHERE",
    description: "DIR OWNER/NAME: a trained directory, and a repository on the Hub, which is made if absent",
  },
  description: "Upload a trained model with a model card",
  examples: [
    ["$0 push out your-name/my-classifier --dry-run", "what would go, and the model card"],
    ["HF_TOKEN=hf_… $0 push out your-name/my-classifier --private", "visible to you alone"],
    ["$0 push out your-name/my-classifier --revision v2 --license apache-2.0", "to a branch of its own"],
  ],
  epilogue:
    "The model, its tokenizer, finetag.json and metrics.json go; checkpoints, logs and other files stay.\n" +
    "A README.md of the directory goes as it is; without one, a model card is made that is not kept in the directory.\n" +
    "The token is HF_TOKEN, else that of `hf auth login`; HF_ENDPOINT names another Hub.",
  load: async () => (await import("../actions/push.ts")).action,
};
