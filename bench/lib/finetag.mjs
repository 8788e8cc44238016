// finetag's side: its own command line in a process of its own, as a user runs it.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/lib/paths.mjs";

/**
 * Trains and gives what metrics.json holds, and the wall time from the first event of training to the last
 * step: batches, events and all else that happens between steps count.
 */
export async function finetagTrain(outputDir, args) {
  const command = ["train", "--output-dir", outputDir, "--overwrite", "--json", ...args.map(String)];
  const child = spawn(process.execPath, [join(ROOT, "packages/cli/bin/finetag.mjs"), ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  let started = 0;
  let lastStep = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const { type } = JSON.parse(line);
    if (type === "start") started = performance.now();
    if (type === "step") lastStep = performance.now();
  }
  const code = await closed;
  if (code !== 0) throw new Error(`finetag ended with exit code ${code}`);
  const metrics = JSON.parse(readFileSync(join(outputDir, "metrics.json"), "utf8"));
  return { wall_seconds: (lastStep - started) / 1000, ...metrics };
}
