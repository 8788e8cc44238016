// The processes of a benchmark: none outlives it.

import { spawn } from "node:child_process";

const running = new Set();

/** As `spawn`; see {@link endAll}. */
export function spawnTracked(command, args, options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.once("close", () => running.delete(child));
  return child;
}

/** Ends those that still run, at once: their work is lost anyway. */
export function endAll() {
  for (const child of running) child.kill("SIGKILL");
}
