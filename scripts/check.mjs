#!/usr/bin/env node
// Format, lint, types and layers: npm run check. With --fix, rewrites what can be rewritten.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "./bootstrap.mjs";
import { layerBreaches, unpinnedDependencies } from "./check/boundaries.mjs";
import { doorBreaches } from "./check/doors.mjs";
import { UNUSED_EXPORTS } from "./check/exports.mjs";
import { floorBreaches } from "./check/floors.mjs";
import { nameBreaches } from "./check/names.mjs";
import { fullFolders, longFiles } from "./check/sizes.mjs";
import { reportError } from "./lib/errors.mjs";
import { ROOT } from "./lib/paths.mjs";
import { listFiles } from "./lib/stamp.mjs";

const require = createRequire(import.meta.url);
const bin = (name) => join(ROOT, "node_modules", ".bin", name);

const HELP = `npm run check -- [--fix]

Checks format (biome, clang-format), lint (biome), types (sources, tests, examples), unused exports (knip), the
direction of dependencies, imports through a folder's index.ts, names, the sizes of files and folders, and that every
dependency is pinned. With --fix, formats and applies biome's safe fixes first.`;

function checks(fix) {
  const folders = ["src", "test", "bench"].map((name) => `packages/core-native/${name}`);
  const cpp = listFiles(ROOT, folders).filter((file) => /\.(h|cpp)$/.test(file));
  const clangFormat = [...(fix ? ["-i"] : ["--dry-run", "-Werror"]), "--style=file", ...cpp];
  return [
    [
      "format and lint (biome)",
      () => command(bin("biome"), fix ? ["check", "--write", "."] : ["ci", "--error-on-warnings", "."]),
    ],
    [
      "format of C++ (clang-format)",
      () => cpp.length === 0 || command(require("clang-format-node").clangFormatPath, clangFormat),
    ],
    ...["core-native", "ts-api", "cli"].map((name) => [
      `types of packages/${name}`,
      () => command(bin("tsc"), ["-p", `packages/${name}`, "--noEmit"]),
    ]),
    ["types of tests, examples and benchmarks", () => command(bin("tsc"), ["-p", "tsconfig.tests.json"])],
    ["unused exports, and exports that only tests import (knip)", () => command(bin("knip"), UNUSED_EXPORTS)],
    ["direction of dependencies", () => list([...layerBreaches(ROOT), ...floorBreaches(ROOT)])],
    ["imports through a folder's index.ts", () => list(doorBreaches(ROOT))],
    ["names of files and folders", () => list(nameBreaches(ROOT))],
    ["sizes of files and folders", () => list([...longFiles(ROOT), ...fullFolders(ROOT)])],
    ["pinned dependencies", () => list(unpinnedDependencies(ROOT))],
  ];
}

function command(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  if (error) throw error;
  return status === 0;
}

function list(findings) {
  for (const finding of findings) console.log(`  ${finding}`);
  return findings.length === 0;
}

async function main() {
  const { values } = parseArgs({
    options: {
      fix: { type: "boolean" },
      yes: { type: "boolean", short: "y" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  await bootstrap({ yes: values.yes });
  const failed = [];
  for (const [name, check] of checks(values.fix)) {
    console.log(`\nCheck: ${name}`);
    if (!check()) failed.push(name);
  }
  console.log(failed.length === 0 ? "\nAll checks pass." : `\nFailed checks: ${failed.join("; ")}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = reportError(error);
}
