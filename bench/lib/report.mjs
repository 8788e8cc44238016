// What every benchmark result records about its machine, and how results are printed and written.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { CACHE, ROOT } from "../../scripts/lib/paths.mjs";

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

/** The first line that a command prints in the repository; undefined if it fails or does not exist. */
export function firstLine(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
}

/** The measured commit, and whether the code differs from it. Undefined outside of a git checkout. */
function readSource() {
  const commit = firstLine("git", "rev-parse", "HEAD");
  const code = ["--untracked-files=no", "--", ".", ":!bench/results", ":!docs", ":!*.md"];
  return commit && { commit, changed: firstLine("git", "status", "--porcelain", ...code) !== "" };
}

/** As it was when the benchmark began. */
const source = readSource();

export function median(values) {
  return quantile(values, 0.5);
}

/** With linear interpolation, as numpy's default. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.ceil(place);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** The median of each number over runs of the same form. */
export function medians(runs) {
  return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, median(runs.map((run) => run[key]))]));
}

/** Prints a title, then rows under a head; numbers to the right. */
export function printTable(title, head, rows) {
  const lines = [head, ...rows].map((row) => row.map((cell) => String(cell ?? "")));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  console.log(`\n${title}`);
  for (const line of lines) {
    const cells = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(`  ${cells.join("  ")}`.trimEnd());
  }
}

/**
 * @param runs training runs by side, finetag's among them
 * @throws where a run had other tokens, or learned another thing: dropout alone moves the mean loss a little
 */
export function checkSameWork(runs, tokens) {
  const [own] = runs.finetag;
  for (const [side, list] of Object.entries(runs)) {
    for (const run of list) {
      if (run.tokens !== tokens) throw new Error(`${side} had ${run.tokens} tokens, not ${tokens}`);
      if (!(Math.abs(run.loss / own.loss - 1) < 0.1)) {
        throw new Error(`${side} has a training loss of ${run.loss}, finetag one of ${own.loss}`);
      }
    }
  }
}

/** Three digits that matter: 0.123, 1.23, 12.3, 123, 1234. */
export function short(value) {
  if (value === undefined || value === null) return "";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(1);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

/** The lines below a table: where it ran, and with which versions of what. */
export function printMachine(threads, versions) {
  const { cpu, cores, memory_gb, node } = hardware();
  console.log(`\n${cpu}, ${cores} cores, ${memory_gb} GB; ${threads} threads; Node ${node}`);
  const named = Object.entries(versions).filter(([, version]) => version !== undefined);
  console.log(named.map(([name, version]) => `${name} ${version}`).join(", "));
}

/** Writes the result as JSON, to the cache unless a path is given. */
export function writeResult(path, result, name = "result") {
  const file = path ?? join(CACHE, "bench", "results", `${name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const whole = {
    date: new Date().toISOString().slice(0, 10),
    hardware: hardware(),
    source,
    ...result,
  };
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
  console.error(`written: ${file}`);
}
