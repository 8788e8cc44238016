import type { Command } from "./command.ts";

export const setup: Command = {
  name: "setup",
  description: "Download libtorch and build the engine, for the CPU or for NVIDIA GPUs",
  examples: [
    ["$0 setup --variant cuda", "use CUDA 13.0: a 2.5 GB download, 4.1 GB on disk, driver 580 or newer"],
    ["$0 setup --variant cpu", "go back to the CPU; both builds are kept, so switching is quick"],
    ["$0 setup", "repair or update the variant in use"],
  ],
  epilogue:
    "It is safe to run again: what is up to date is skipped. FINETAG_VARIANT=cpu or cuda overrides the variant for one command.",
  load: async () => (await import("../actions/setup.ts")).action,
};
