// finetag's side: its own command line in a process of its own, as a user runs it.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { spawnTracked } from "./children.mjs";

const PROGRAM = join(ROOT, "packages/cli/bin/finetag.mjs");

/**
 * Trains and gives what metrics.json holds; the wall time from the first event of training to the last step, in which
 * batches, events and all else that happens between steps count; the seconds from the start of the process to the end
 * of the first step; and the real tokens of the training rows.
 */
export async function finetagTrain(outputDir, args) {
  const spawned = performance.now();
  const command = ["train", "--output-dir", outputDir, "--overwrite", "--json", ...args.map(String)];
  const child = spawnTracked(process.execPath, [PROGRAM, ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => child.on("close", resolve));
  let started = 0;
  let firstStep = 0;
  let lastStep = 0;
  let tokens = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    const now = performance.now();
    if (event.type === "start") {
      started = now;
      tokens = event.trainTokens;
    }
    if (event.type === "step") {
      firstStep ||= now;
      lastStep = now;
    }
  }
  const code = await closed;
  if (code !== 0) throw new Error(`finetag ended with exit code ${code}`);
  const metrics = JSON.parse(readFileSync(join(outputDir, "metrics.json"), "utf8"));
  return {
    wall_seconds: (lastStep - started) / 1000,
    first_step_seconds: (firstStep - spawned) / 1000,
    tokens,
    ...metrics,
  };
}

/** Versions of finetag and of what it runs on. */
export function finetagVersions() {
  const { finetag, libtorch } = JSON.parse(readOutput("doctor", "--json"));
  const { libtorch: version, variant, cpuCapability: cpu, kernels } = libtorch;
  return { finetag, libtorch: version, variant, cpu, kernels };
}

/** What opens a model in int8, by the program's own help; undefined where it has no such option. */
export function int8Loading() {
  const options = readOutput("predict", "--help").split(/\n(?=\s+(?:-\w, )?--)/);
  const found = options.find((option) => option.includes('"int8"'))?.match(/--(\w+)/)?.[1];
  return found && { [found]: "int8" };
}

function readOutput(...args) {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" }).stdout;
}
