import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SourceUnavailable, verify } from "./download.mjs";

const PIPS = [["python3", "-m", "pip"], ["python", "-m", "pip"], ["pip3"], ["pip"]];

/** The first pip that runs, as a command line, or undefined. */
export function findPip(commands = PIPS) {
  return commands.find(([command, ...args]) => {
    return spawnSync(command, [...args, "--version"], { stdio: "ignore", timeout: 30_000 }).status === 0;
  });
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
        env: { ...env, TMPDIR: directory },
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
function runPip([command, ...args], { interactive, env }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env,
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
