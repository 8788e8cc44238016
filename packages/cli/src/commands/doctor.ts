import type { Command } from "./command.ts";

export const doctor: Command = {
  name: "doctor",
  description: "Check the installation: versions, libtorch, devices, caches",
  examples: [["$0 doctor", "run all checks; a failed one says how to fix it"]],
  load: async () => (await import("../actions/doctor.ts")).action,
};
