import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { SetupError } from "../errors.mjs";
import { runLogged } from "../exec.mjs";
import { CACHE, LOGS, ROOT } from "../paths.mjs";
import { hashFiles, hashOf, readStamp, writeStamp } from "../stamp.mjs";
import { begin, done, seconds } from "../terminal.mjs";
import { cpuIdentity } from "./cpu.mjs";
import { oldCompilerMessage, probeCompiler } from "./toolchain.mjs";
import { buildFolder } from "./variant.mjs";

const PACKAGE = join(ROOT, "packages", "core-native");
const ADDON_SOURCES = ["src", "cmake", "CMakeLists.txt", "package.json"];

/** What is built: from which files, what proves it, and how it is called. */
const PARTS = {
  addon: {
    name: "the native addon",
    verb: "is",
    sources: ADDON_SOURCES,
    program: "finetag.node",
    stamp: ".finetag-built.json",
    log: "native-build.log",
    args: [],
  },
  tests: {
    name: "the C++ tests",
    verb: "are",
    sources: [...ADDON_SOURCES, "test/cpp", "test/kernels", "test/portable"],
    program: "finetag_tests",
    stamp: ".finetag-tests-built.json",
    log: "native-build-tests.log",
    args: ["--tests"],
  },
};

/**
 * Everything that a build depends on apart from the repository's files. turbo.json names the file as a global
 * dependency, since turbo's own hash ignores operating system, processor, Node, compiler and libtorch.
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

/**
 * Builds a variant of the addon, or its C++ tests, unless nothing that they depend on has changed since the last build.
 *
 * @param what `addon`, or `tests`: finetag itself needs no tests, and they take longer to compile than the addon
 */
export async function buildNative(toolchain, libtorch, variant, what = "addon") {
  const { verb, sources, program, args, ...part } = PARTS[what];
  const folder = buildFolder(variant);
  const stamp = join(folder, part.stamp);
  const name = `${part.name}${variant === "cpu" ? "" : ` (${variant})`}`;
  const key = hashOf(writeBuildKey(toolchain, libtorch), hashFiles(PACKAGE, sources));
  if (readStamp(stamp)?.key === key && existsSync(join(folder, "Release", program))) {
    done(`${name} ${verb} up to date`);
    return;
  }
  const details = probeCompiler(toolchain.compiler);
  if (details !== undefined) throw new SetupError(oldCompilerMessage(toolchain.compiler, details));
  const started = performance.now();
  begin(`building ${name} (the first time takes a few minutes)`);
  await runLogged(process.execPath, [join(PACKAGE, "cmake", "build.mjs"), ...args], {
    cwd: PACKAGE,
    log: join(LOGS, part.log),
    what: "The native build",
    env: {
      ...process.env,
      FINETAG_LIBTORCH: libtorch.path,
      FINETAG_VARIANT: variant,
      CXX: toolchain.compiler.command,
    },
    advice: `For a clean build, remove ${relative(ROOT, folder)}.`,
  });
  writeStamp(stamp, { key });
  done(`${name} ${verb} built (${seconds(performance.now() - started)})`);
}
