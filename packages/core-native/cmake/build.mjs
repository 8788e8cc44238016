#!/usr/bin/env node
// Configures and builds the variant of the addon that is in use, or that FINETAG_VARIANT names, with cmake-js.
// With --tests, builds its C++ tests.
// FINETAG_LIBTORCH is libtorch's folder; without it, the pinned one is used (and downloaded if it is not in the cache).

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuIdentity, isPortable } from "../../../scripts/lib/native/cpu.mjs";
import { activeVariant, buildFolder, isSanitized } from "../../../scripts/lib/native/variant.mjs";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const VARIANT = activeVariant();
const BUILD = buildFolder(VARIANT);

const libtorch = process.env.FINETAG_LIBTORCH || (await pinnedLibtorch());
removeOtherConfiguration({ package: PACKAGE, libtorch, compiler: process.env.CXX ?? "", cpu: cpuIdentity() });
cmakeJs(
  "configure",
  `--CDFINETAG_LIBTORCH=${libtorch}`,
  `--CDFINETAG_PORTABLE=${isPortable() ? "ON" : "OFF"}`,
  `--CDFINETAG_SANITIZE=${isSanitized() ? "ON" : "OFF"}`,
);
const target = process.argv.includes("--tests") ? ["--target", "finetag_all_tests"] : [];
cmakeJs("build", ...target, "--parallel", String(jobs()));

async function pinnedLibtorch() {
  const { fetchLibtorch } = await import("../../../third_party/fetch-libtorch.mjs");
  return (await fetchLibtorch({ variant: VARIANT })).path;
}

/** CMake caches the compiler, the source folder, libraries and what -march=native means. If one changes, start over. */
function removeOtherConfiguration(configuration) {
  const file = join(BUILD, ".finetag-configuration.json");
  const text = JSON.stringify(configuration);
  let before = "";
  try {
    before = readFileSync(file, "utf8");
  } catch {
    // No build yet, or one with an unknown configuration.
  }
  if (before === text) return;
  rmSync(BUILD, { recursive: true, force: true });
  mkdirSync(BUILD);
  writeFileSync(file, text);
}

/** A translation unit that includes much of libtorch takes up to 2 GB. */
function jobs() {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / 2e9)));
}

function cmakeJs(command, ...args) {
  const script = createRequire(import.meta.url).resolve("cmake-js/bin/cmake-js");
  const options = [command, "--directory", PACKAGE, "--out", BUILD, "--config", "Release", ...args];
  // CMakeLists.txt asks node for paths: the Node that runs this, wherever it is.
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
  const { status, signal, error } = spawnSync(process.execPath, [script, ...options], {
    stdio: "inherit",
    env,
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}
