import { existsSync } from "node:fs";
import { join } from "node:path";
import { cpuIdentity } from "./cpu.mjs";
import { SetupError } from "./errors.mjs";
import { runLogged } from "./exec.mjs";
import { CACHE, LOGS, ROOT } from "./paths.mjs";
import { hashFiles, hashOf, readStamp, writeStamp } from "./stamp.mjs";
import { begin, done, seconds } from "./terminal.mjs";
import { oldCompilerMessage, probeCompiler } from "./toolchain.mjs";

const PACKAGE = join(ROOT, "packages", "core-native");
const STAMP = join(PACKAGE, "build", ".finetag-built.json");
const SOURCES = ["src", "cmake", "test/cpp", "CMakeLists.txt", "package.json"];

/**
 * Everything that a build depends on besides the repository's files. Written where turbo.json names it as a global
 * dependency, since turbo's own hash knows no operating system, processor, Node, compiler or libtorch.
 */
export function writeBuildKey(toolchain, libtorch) {
  const key = {
    platform: process.platform,
    arch: process.arch,
    cpu: cpuIdentity(),
    node: process.versions.node.split(".")[0],
    compiler: toolchain.compiler.identity,
    cmake: toolchain.cmake,
    libtorch: { path: libtorch.path, version: libtorch.version },
  };
  const file = join(CACHE, "turbo-key.json");
  if (hashOf(readStamp(file)) !== hashOf(key)) writeStamp(file, key);
  return key;
}

/** Builds the addon and the C++ tests, unless nothing they depend on has changed since the last build. */
export async function buildNative(toolchain, libtorch) {
  const key = hashOf(writeBuildKey(toolchain, libtorch), hashFiles(PACKAGE, SOURCES));
  if (readStamp(STAMP)?.key === key && existsSync(join(PACKAGE, "build", "Release", "finetag.node"))) {
    done("the native addon is up to date");
    return;
  }
  const details = probeCompiler(toolchain.compiler);
  if (details !== undefined) throw new SetupError(oldCompilerMessage(toolchain.compiler, details));
  const started = performance.now();
  begin("building the native addon (the first time takes a few minutes)");
  await runLogged(process.execPath, [join(PACKAGE, "cmake", "build.mjs")], {
    cwd: PACKAGE,
    log: join(LOGS, "native-build.log"),
    what: "The native build",
    env: { ...process.env, FINETAG_LIBTORCH: libtorch.path, CXX: toolchain.compiler.command },
    advice: "To start it from nothing, remove packages/core-native/build.",
  });
  writeStamp(STAMP, { key });
  done(`the native addon is built (${seconds(performance.now() - started)})`);
}
