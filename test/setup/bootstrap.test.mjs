import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runLogged } from "../../scripts/lib/exec.mjs";
import { installAdvice, systemFamily } from "../../scripts/lib/native/advice.mjs";
import {
  checkNode,
  findToolchain,
  missingMessage,
  probeCompiler,
  which,
} from "../../scripts/lib/native/toolchain.mjs";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag set-up "));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A PATH with nothing on it but the named programs of this machine. */
function pathWith(...programs) {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const program of programs) symlinkSync(which(program), join(bin, program));
  return bin;
}

function program(name, text) {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("the tools of a build", () => {
  it("are all found on a machine that has them", () => {
    const { compiler, cmake, generator, problems } = findToolchain();
    expect(problems).toEqual([]);
    expect(compiler.version).toBeTruthy();
    expect(cmake).toMatch(/^\d+\.\d+/);
    expect(["ninja", "make"]).toContain(generator);
    expect(probeCompiler(compiler)).toBeUndefined();
  });

  it("that are missing are told all at once, with the command that installs them", () => {
    const { problems } = findToolchain({ PATH: pathWith("sh") });
    expect(problems.map(({ tool }) => tool)).toEqual(["compiler", "cmake", "make"]);
    expect(missingMessage(problems, "debian")).toContain("sudo apt-get install -y g++ cmake make");
    expect(missingMessage(problems, "debian")).toContain("--yes");
    expect(missingMessage(problems, "fedora")).toContain("sudo dnf install -y gcc-c++ cmake make");
    expect(missingMessage(problems, "macos")).toContain("xcode-select --install");
    expect(missingMessage(problems, "macos")).toContain("brew install cmake make");
    const unknown = missingMessage(problems, "unknown");
    for (const installer of ["apt-get", "dnf"]) expect(unknown).toContain(installer);
  });

  it("are told as too old where they are", () => {
    program("cmake", 'echo "cmake version 3.16.3"');
    const { problems } = findToolchain({ PATH: `${folder}:${process.env.PATH}` });
    expect(problems).toEqual([{ tool: "cmake", text: "CMake 3.16.3 is older than 3.19" }]);
  });

  it("are the compiler that CXX names", () => {
    const compiler = program("my c++", "exit 1");
    const { problems } = findToolchain({ ...process.env, CXX: compiler });
    expect(problems.map(({ text }) => text)).toEqual([`CXX=${compiler} can't be run`]);
    const real = findToolchain().compiler.path;
    expect(findToolchain({ ...process.env, CXX: real }).compiler.path).toBe(real);
    expect(findToolchain({ ...process.env, CXX: `env ${real}` }).compiler.path).toBe(which("env"));
  });

  it("include a compiler that compiles C++20, and the probe tells why not", () => {
    const old = program("c++98", 'echo "error: concepts: No such file" >&2; exit 1');
    expect(probeCompiler({ command: old })).toContain("concepts: No such file");
  });
});

describe("Node's version", () => {
  it.each(["20.19.0", "20.20.2", "22.12.0", "24.1.0", "25.0.0"])("%s will do", (version) => {
    expect(checkNode(version)).toContain(`Node ${version}`);
  });

  it.each(["18.20.0", "20.18.3", "21.7.0", "22.11.0"])("%s is refused with a way out", (version) => {
    expect(() => checkNode(version)).toThrow(/needs Node\.js 20\.19.*\n.*nodejs\.org/);
  });
});

describe("the system", () => {
  it.each([
    ['ID=debian\nVERSION_ID="12"\n', "debian"],
    ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "suse"],
    ["ID=nixos\n", "unknown"],
  ])("is known by os-release: %j", (text, family) => {
    expect(systemFamily("linux", text)).toBe(family);
  });

  it("has a command for pip", () => {
    expect(installAdvice(["pip"], "debian")).toBe("  sudo apt-get install -y python3-pip");
  });
});

describe("the bootstrap as a program", () => {
  it("ends with one message and exit code 1 where a compiler and CMake are missing", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", "bootstrap.mjs")], {
      encoding: "utf8",
      env: { PATH: pathWith("sh"), HOME: folder },
    });
    expect(status).toBe(1);
    expect(stdout).toContain("Setting up finetag");
    expect(stderr).toContain("no C++ compiler (c++, g++ or clang++)");
    expect(stderr).toContain("no CMake");
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it("explains itself with --help, and refuses an unknown option", () => {
    const run = (...args) =>
      spawnSync(process.execPath, [join(ROOT, "scripts", "bootstrap.mjs"), ...args], { encoding: "utf8" });
    expect(run("--help").stdout).toContain("LIBTORCH_PATH");
    expect(run("--nope").status).toBe(1);
  });
});

describe("a long command", () => {
  it("that fails tells its last lines and where the whole log is", async () => {
    const log = join(folder, "logs", "build.log");
    const args = ["-c", "for i in $(seq 100); do echo line $i; done; echo broken >&2; exit 7"];
    const error = await runLogged("sh", args, { log, what: "The build" }).catch((thrown) => thrown);
    expect(error.message).toMatch(/^The build failed \(exit code 7\)/);
    expect(error.message).toContain("broken");
    expect(error.message).toContain("line 100");
    expect(error.message).not.toContain("line 40\n");
    expect(error.message).toContain(log);
    expect(readFileSync(log, "utf8")).toContain("line 1\n");
  });

  it("that can't be started says so", async () => {
    const run = runLogged(join(folder, "nothing"), [], { log: join(folder, "x.log"), what: "The build" });
    await expect(run).rejects.toThrow(/ENOENT/);
  });
});
