// What every benchmark's result says about where it ran, and how it is written down.

import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { dirname } from "node:path";

export function hardware() {
  const [first] = cpus();
  return {
    cpu: first.model,
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Writes the JSON beside the table that was printed. */
export function writeResult(path, result) {
  mkdirSync(dirname(path), { recursive: true });
  const whole = { date: new Date().toISOString().slice(0, 10), hardware: hardware(), ...result };
  writeFileSync(path, `${JSON.stringify(whole, null, 2)}\n`);
  console.error(`written: ${path}`);
}
