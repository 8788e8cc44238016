import type { Command } from "./command.ts";

export const push: Command = {
  name: "push",
  positional: {
    usage: "[WHERE..]",
    name: "WHERE",
    description:
      "DIR OWNER/NAME: a trained model's directory and a Hub repository, which is created if needed",
  },
  description: "Upload a trained model to the Hugging Face Hub, with a model card",
  examples: [
    ["$0 push out your-name/my-classifier --dry-run", "show what would be uploaded, and the model card"],
    ["HF_TOKEN=hf_… $0 push out your-name/my-classifier --private", "upload to a private repository"],
    ["$0 push out your-name/my-classifier --revision v2 --license apache-2.0", "upload to a branch"],
  ],
  epilogue:
    "Uploads the model, its tokenizer, finetag.json and metrics.json, but no checkpoints, logs or other files.\n" +
    "A README.md in the directory is uploaded unchanged. Without one, a model card is generated and uploaded.\n" +
    "The access token comes from HF_TOKEN or `hf auth login`. HF_ENDPOINT selects another Hub.",
  load: async () => (await import("../actions/push.ts")).action,
};
