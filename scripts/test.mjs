#!/usr/bin/env node
// Sets up, runs all tests and ends with one line: N passed, N failed, N skipped.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";
import { reportError } from "./lib/errors.mjs";
import { ASAN_OPTIONS, SANITIZED_TESTS, sanitizerEnv } from "./lib/native/sanitize.mjs";
import { activeVariant, buildFolder, isSanitized } from "./lib/native/variant.mjs";
import { CACHE, ROOT } from "./lib/paths.mjs";
import { readStamp } from "./lib/stamp.mjs";

const HELP = `npm test -- [--yes] [FILTER…]

Sets up (see npm run bootstrap), then runs the C++ tests and the tests of all packages.
With filters (parts of test files' paths), runs only the matching vitest files.

With FINETAG_SANITIZE=1, runs the C++ tests and the engine's tests in a build with the address and undefined-behaviour
sanitizers.`;

const COUNTS = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/;

/** The C++ tests: the engine's, and the kernels' under sanitizers for each instruction set. */
async function runCppTests() {
  const folder = join(buildFolder(activeVariant()), "Release");
  const sum = { name: "C++", passed: 0, failed: 0, skipped: [] };
  if (!existsSync(folder)) return sum;
  // A sanitized build has the engine's alone; what else lies in its folder is of an older one.
  const programs = isSanitized() ? /^finetag_tests$/ : /^finetag_(?:kernels_\w+_)?tests$/;
  for (const program of readdirSync(folder).filter((name) => programs.test(name))) {
    const { passed, failed, skipped } = await runCppProgram(join(folder, program));
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped.push(...skipped);
  }
  return sum;
}

/** One executable; its last line has the form of ours. */
async function runCppProgram(program) {
  const name = basename(program);
  console.log(`\nC++ tests: ${name}`);
  let counts;
  const skipped = [];
  const code = await runLines(program, [], (line) => {
    const match = COUNTS.exec(line);
    // Not shown: the line that closes the whole run is to be the only one of its form.
    if (match) counts = match.slice(1).map((number) => Number(number ?? 0));
    else console.log(`  ${line}`);
    const reason = /^skipped:? (.+)$/.exec(line)?.[1];
    if (reason !== undefined) skipped.push({ file: name, name: reason });
  });
  const [passed, failed, skips] = counts ?? [0, 0, 0];
  // A crash after or before the counting is a failure, whatever was counted.
  const crashed = code !== 0 && failed === 0 ? 1 : 0;
  if (counts === undefined && code === 0) throw new Error(`${program} printed no counts`);
  while (skipped.length < skips) skipped.push({ file: name, name: "a test" });
  return { passed, failed: failed + crashed, skipped };
}

/** All vitest projects, or the files that match the filters. */
async function runVitest(filters) {
  const sanitizer = isSanitized() ? sanitizerEnv() : {};
  const script = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  const file = join(CACHE, `test-counts-${process.pid}.json`);
  mkdirSync(CACHE, { recursive: true });
  console.log("\nTypeScript tests");
  const reporters = [
    "--reporter=default",
    `--reporter=${join(ROOT, "scripts", "lib", "vitest-reporter.mjs")}`,
  ];
  const code = await run(process.execPath, [script, "run", ...reporters, ...filters], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...sanitizer, FINETAG_TEST_COUNTS: file },
  });
  const counts = readStamp(file) ?? { passed: 0, failed: 0, skipped: [] };
  rmSync(file, { force: true });
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return { name: "vitest", ...counts };
}

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, ...options });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal) console.log(`${command} was ended by ${signal}`);
      resolve(code ?? 1);
    });
    options.onStart?.(child);
  });
}

function runLines(command, args, onLine) {
  return run(command, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ASAN_OPTIONS, OMP_WAIT_POLICY: process.env.OMP_WAIT_POLICY ?? "passive" },
    onStart: (child) => createInterface({ input: child.stdout }).on("line", onLine),
  });
}

function printSkipped(skipped) {
  if (skipped.length === 0) return;
  console.log("\nSkipped");
  const groups = groupBy(skipped, ({ file, reason }) => `${file}\0${reason ?? ""}`);
  for (const [key, tests] of groups) {
    const [file, reason] = key.split("\0");
    const names = tests.slice(0, 3).map(({ name }) => name);
    const more = tests.length > 3 ? `, and ${tests.length - 3} more` : "";
    console.log(`  ${file}: ${reason || "skipped"} (${tests.length}: ${names.join("; ")}${more})`);
  }
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { yes: { type: "boolean", short: "y" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  await bootstrap({ yes: values.yes, tests: positionals.length === 0 });
  const results = [];
  if (positionals.length === 0) results.push(await runCppTests());
  const filters = positionals.length === 0 && isSanitized() ? SANITIZED_TESTS : positionals;
  results.push(await runVitest(filters));
  const runs = results.filter((result) => result !== undefined);

  printSkipped(runs.flatMap(({ skipped }) => skipped));
  console.log("");
  for (const { name, passed, failed, skipped } of runs) {
    console.log(`  ${name.padEnd(8)}${passed} ok, ${failed} failing, ${skipped.length} skipped`);
  }
  const sum = (count) => runs.reduce((total, result) => total + count(result), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failed);
  console.log(`\n${passed} passed, ${failed} failed, ${sum((result) => result.skipped.length)} skipped`);
  if (passed === 0 && failed === 0) console.error("No tests ran.");
  return failed > 0 || passed === 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = reportError(error);
}
