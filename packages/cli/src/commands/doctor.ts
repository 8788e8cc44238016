import type { Command } from "./command.ts";

export const doctor: Command = {
  name: "doctor",
  description: "Check versions, libtorch, devices and caches",
  examples: [["$0 doctor", "each check, with what to do where one fails"]],
  load: async () => (await import("../actions/doctor.ts")).action,
};
