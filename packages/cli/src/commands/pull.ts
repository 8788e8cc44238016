import type { Command } from "./command.ts";

export const pull: Command = {
  name: "pull",
  positional: {
    usage: "[NAME]",
    name: "NAME",
    description: "A catalogue name or a Hub id; without it, the catalogue is listed",
  },
  description: "Download a pretrained model into the cache",
  examples: [
    ["$0 pull", "list the catalogue"],
    ["$0 pull all-MiniLM-L6-v2", "download a model and print its directory"],
    [
      "$0 pull google-bert/bert-base-uncased",
      "download from the Hugging Face Hub, or the mirror set by HF_ENDPOINT",
    ],
  ],
  load: async () => (await import("../actions/pull.ts")).action,
};
