// The Python peers, in a virtual environment of their own that the benchmark makes and keeps.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../scripts/lib/errors.mjs";
import { CACHE } from "../../scripts/lib/paths.mjs";

const PEERS = fileURLToPath(new URL("../peers", import.meta.url));

/** Python of the peers' environment; FINETAG_PEER_PYTHON names one that has the pinned packages already. */
export function peerPython() {
  if (process.env.FINETAG_PEER_PYTHON) return process.env.FINETAG_PEER_PYTHON;
  const requirements = join(PEERS, "requirements.txt");
  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(CACHE, "bench", `python-peers-${key}`);
  const python = join(folder, "bin", "python");
  // Written last: without it, the environment is one that an interruption left half made.
  const whole = join(folder, "whole");
  if (existsSync(whole)) return python;
  console.error(`making the peers' Python environment (${folder})`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  install("python3", ["-m", "venv", folder]);
  install(python, ["-m", "pip", "install", "--quiet", "-r", requirements]);
  writeFileSync(whole, "");
  return python;
}

function install(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  throw new SetupError(
    `${error?.message ?? `${command} ${args.join(" ")} failed; see its message above`}\n` +
      "The peers need Python 3.11 or later with venv; FINETAG_PEER_PYTHON names one that has their packages.",
  );
}

/** Nothing is fetched; one tokenizer thread unless the script wants more. */
export function peerEnvironment() {
  return { HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false", PYTHONDONTWRITEBYTECODE: "1" };
}

/** Runs a peer's script and parses its last line as JSON. */
export function runPeer(script, args) {
  const result = spawnSync(peerPython(), [join(PEERS, script), ...args.map(String)], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...peerEnvironment() },
  });
  if (result.error) throw new SetupError(`the peers' Python can't be run: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`${script} failed:\n${result.stderr.split("\n").slice(-15).join("\n")}`);
  const last = result.stdout.trim().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? JSON.parse(last) : {};
}
