import type { Command } from "./command.ts";

export const pull: Command = {
  name: "pull",
  positional: { usage: "[NAME]", name: "NAME", description: "A name of the catalogue, or an id on the Hub" },
  description: "Fetch a pretrained model into the cache",
  examples: [
    ["$0 pull", "the catalogue"],
    ["$0 pull all-MiniLM-L6-v2", "fetch it and print its directory"],
    [
      "$0 pull google-bert/bert-base-uncased",
      "from the Hugging Face Hub, or the mirror that HF_ENDPOINT names",
    ],
  ],
  load: async () => (await import("../actions/pull.ts")).action,
};
