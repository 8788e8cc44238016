import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError } from "../errors.mjs";
import { output, runLogged } from "../exec.mjs";
import { begin } from "../terminal.mjs";
import { installAdvice, packagesFor, systemFamily } from "./advice.mjs";

export const TESTED_NODE = [20, 22, 24];
const MINIMUM_CMAKE = [3, 19];

const CXX20_PROBE = `
#include <concepts>
#include <cstdint>
#include <span>
template <std::integral T> T twice(T value) { return value + value; }
int main() { const int values[] = {1, 2}; return twice(static_cast<int>(std::span(values).size())) - 4; }
`;

/** @throws SetupError when this Node is older than the packages need */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  const good = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (!good) {
    throw new SetupError(
      `finetag needs Node.js 20.19 or newer, or 22.12 or newer (tested: ${TESTED_NODE.join(", ")}); this is ${version}.\n` +
        "Get it from https://nodejs.org, or with nvm: nvm install 22",
    );
  }
  const note = TESTED_NODE.includes(major) ? "" : ` (not tested; tested: ${TESTED_NODE.join(", ")})`;
  return `Node ${version}${note}`;
}

/** @throws SetupError if libtorch can't run on this system */
export function checkSystem(platform = process.platform) {
  if (platform !== "linux") return;
  if (process.report !== undefined) process.report.excludeNetwork = true;
  const glibc = process.report?.getReport().header.glibcVersionRuntime;
  const [major, minor] = (glibc ?? "0.0").split(".").map(Number);
  if (major > 2 || (major === 2 && minor >= 28)) return;
  throw new SetupError(
    glibc === undefined
      ? "libtorch needs glibc; this system has another C library (Alpine's musl?). Use a Debian, Ubuntu or Fedora image."
      : `libtorch needs glibc 2.28 or newer (Debian 10, Ubuntu 20.04, RHEL 8); this system has ${glibc}.`,
  );
}

/**
 * The tools that build the addon. `compiler` and `generator` are those that CMake will use; `problems` lists what is
 * missing or too old, each with the tool to install.
 */
export function findToolchain(env = process.env) {
  const problems = [];
  const compiler = findCompiler(env, problems);
  const cmake = findCMake(env, problems);
  const generator = ["ninja", "make"].find((name) => which(name, env) !== undefined);
  if (generator === undefined) problems.push({ tool: "make", text: "neither ninja nor make" });
  return { compiler, cmake, generator, problems };
}

function findCompiler(env, problems) {
  const command = env.CXX || ["c++", "g++", "clang++"].find((name) => which(name, env) !== undefined);
  if (command === undefined) {
    problems.push({ tool: "compiler", text: "no C++ compiler (c++, g++ or clang++)" });
    return undefined;
  }
  const [program, ...args] = words(command, env);
  const path = which(program, env);
  const version = output(program, [...args, "--version"], { env })?.split("\n")[0];
  if (path === undefined || version === undefined) {
    problems.push({ tool: "compiler", text: `CXX=${command} can't be run` });
    return undefined;
  }
  return {
    command,
    path,
    version,
    identity: `${command} | ${path} | ${statSync(path).mtimeMs} | ${version}`,
  };
}

/** CXX may be a program with arguments ("ccache g++"), or a path with spaces in it. */
function words(command, env) {
  return which(command, env) === undefined ? command.split(/\s+/) : [command];
}

function findCMake(env, problems) {
  const version = /(\d+)\.(\d+)(\.\d+)?/.exec(output("cmake", ["--version"], { env }) ?? "");
  if (version === null) {
    problems.push({ tool: "cmake", text: "no CMake" });
    return undefined;
  }
  const [text, major, minor] = version;
  if (
    Number(major) < MINIMUM_CMAKE[0] ||
    (Number(major) === MINIMUM_CMAKE[0] && Number(minor) < MINIMUM_CMAKE[1])
  ) {
    problems.push({ tool: "cmake", text: `CMake ${text} is older than ${MINIMUM_CMAKE.join(".")}` });
  }
  return text;
}

/** Compiles a few lines of C++20. Takes half a second, so only run before a build. */
export function probeCompiler({ command }, env = process.env) {
  const [program, ...args] = words(command, env);
  const result = spawnSync(program, [...args, "-std=c++20", "-x", "c++", "-fsyntax-only", "-"], {
    env,
    input: CXX20_PROBE,
    encoding: "utf8",
  });
  return result.status === 0
    ? undefined
    : (result.stderr ?? result.error?.message ?? "").split("\n").slice(0, 3).join("\n");
}

/** One message for everything that is missing, with the command that installs it. */
export function missingMessage(problems, family = systemFamily()) {
  const list = problems.map(({ text }) => `  - ${text}`).join("\n");
  const tools = problems.map(({ tool }) => tool);
  const automatic =
    family === "debian"
      ? "\nAs root, add --yes (or set FINETAG_YES=1) and this set-up installs them for you."
      : "";
  return `Building finetag's addon needs a C++20 compiler, CMake ${MINIMUM_CMAKE.join(".")} or newer, and ninja or make. Missing:\n${list}\nInstall:\n${installAdvice(tools, family)}${automatic}`;
}

/** For an old compiler: installing the default package again would not help. */
export function oldCompilerMessage(compiler, details) {
  return (
    `The compiler ${compiler.command} (${compiler.version}) does not compile C++20:\n${details}\n` +
    "Install g++ 11 or clang 14, or newer, and select it with CXX: CXX=g++-12 npm test\n" +
    "  Debian, Ubuntu:  sudo apt-get install -y g++-12\n  RHEL 8:          sudo dnf install -y gcc-toolset-12-gcc-c++"
  );
}

/** Whether --yes may install: root on Debian or Ubuntu. */
export function canInstall(yes, family = systemFamily()) {
  return yes && family === "debian" && process.getuid?.() === 0 && which("apt-get") !== undefined;
}

export async function installTools(tools, logFolder) {
  const packages = packagesFor(tools);
  begin(`installing ${packages.join(", ")} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await runLogged("apt-get", ["update"], {
    log: join(logFolder, "apt-update.log"),
    what: "apt-get update",
    env,
  });
  await runLogged("apt-get", ["install", "-y", "--no-install-recommends", ...packages], {
    log: join(logFolder, "apt-install.log"),
    what: "apt-get install",
    env,
  });
}

/** The path of a program, as a shell would find it. */
export function which(program, env = process.env) {
  const candidates = program.includes("/")
    ? [program]
    : (env.PATH ?? "").split(delimiter).map((folder) => join(folder || ".", program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}
