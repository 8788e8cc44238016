// Puts what the steps of gpu-check.sh left in a folder into one file: node bench/gpu/report.mjs FOLDER OUTPUT

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT } from "../../scripts/lib/paths.mjs";
import { firstLine, writeResult } from "../lib/report.mjs";

const [folder, output] = process.argv.slice(2);
const text = (name) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : undefined;
const json = (name) => JSON.parse(text(name) ?? "null");

const QUERY = ["name", "memory.total", "compute_cap", "driver_version", "clocks.max.sm", "power.limit"];

function gpus() {
  const query = [`--query-gpu=${QUERY}`, "--format=csv,noheader"];
  const { status, stdout } = spawnSync("nvidia-smi", query, { encoding: "utf8" });
  const rows = status === 0 ? stdout.trim().split("\n") : [];
  return rows.map((row) => Object.fromEntries(row.split(", ").map((value, i) => [QUERY[i], value])));
}

/** Counts, what failed and why, and the line in which the test reports how close to the tolerance it came. */
function parity() {
  const result = json("parity.json");
  if (result === null) return undefined;
  const tests = result.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failures = tests
    .filter(({ status }) => status === "failed")
    .map(({ fullName, failureMessages }) => ({ test: fullName, why: failureMessages[0]?.split("\n")[0] }));
  const errors = [...(text("parity.log") ?? "").matchAll(/^ {2}(\S.*?) +(\d+\.\d\d) {2}\((.+)\)$/gm)];
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests,
    skipped: result.numPendingTests,
    failures,
    largest_errors: errors.map(([, kind, multiple, where]) => ({ kind, multiple: Number(multiple), where })),
  };
}

/** Each step as `name status`, in order; a status is ok, failed or a reason why it was left out. */
const steps = Object.fromEntries(
  (text("steps") ?? "")
    .trimEnd()
    .split("\n")
    .map((line) => [line.split(" ")[0], line.slice(line.indexOf(" ") + 1)]),
);
const doctor = json("doctor.json");
const logs = readdirSync(folder).filter((name) => name.endsWith(".log"));
const ok = Object.values(steps).every((status) => status !== "failed");
const leftOut = Object.entries(steps).filter(([, status]) => !["ok", "failed"].includes(status));

writeResult(output, {
  ok,
  complete: leftOut.length === 0,
  steps,
  gpus: gpus(),
  versions: {
    finetag: doctor?.finetag,
    libtorch: doctor?.libtorch?.libtorch,
    variant: doctor?.libtorch?.variant,
    devices: doctor?.devices,
    compiler: firstLine("c++", "--version"),
    compute_sanitizer: text("sanitizer-version")?.trim(),
  },
  parity: parity(),
  sanitizer: [...(text("sanitizer.log") ?? "").matchAll(/ERROR SUMMARY: .*/g)].map(([line]) => line),
  benchmark: readdirSync(folder)
    .filter((name) => /^train-.*\.json$/.test(name))
    .flatMap((name) => json(name)),
  logs: logs.map((name) => relative(ROOT, join(folder, name))),
});
for (const [name, status] of leftOut) console.log(`not run: ${name} (${status})`);
process.exitCode = ok ? 0 : 1;
