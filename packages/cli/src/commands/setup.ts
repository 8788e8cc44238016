import type { Command } from "./command.ts";

export const setup: Command = {
  name: "setup",
  description: "Bring libtorch and build the engine, for the CPU or for NVIDIA GPUs",
  examples: [
    ["$0 setup --variant cuda", "CUDA 13.0: 2.5 GB to download, 4.1 GB of disk, a driver 580 or newer"],
    ["$0 setup --variant cpu", "back to the CPU; what is built stays, and changing again is quick"],
    ["$0 setup", "mend or renew the variant in use"],
  ],
  epilogue:
    "Run it as often as you like; what is up to date is left alone. FINETAG_VARIANT=cpu or cuda wins for one command.",
  load: async () => (await import("../actions/setup.ts")).action,
};
