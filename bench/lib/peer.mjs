// The Python peers, in a virtual environment of their own that the benchmark makes and keeps.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE } from "../../scripts/lib/paths.mjs";

const PEERS = fileURLToPath(new URL("../peers", import.meta.url));

/** Python of the peers' environment; FINETAG_PEER_PYTHON names one that has the pinned packages already. */
export function peerPython() {
  if (process.env.FINETAG_PEER_PYTHON) return process.env.FINETAG_PEER_PYTHON;
  const requirements = join(PEERS, "requirements.txt");
  const key = createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const folder = join(CACHE, `peers-${key}`);
  const python = join(folder, "bin", "python");
  if (existsSync(python)) return python;
  console.error(`making the peers' Python environment (${folder})`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
  const pip = spawnSync(join(folder, "bin", "pip"), ["install", "--quiet", "-r", requirements], {
    stdio: "inherit",
  });
  if (pip.status !== 0) {
    renameSync(folder, `${folder}.failed`);
    throw new Error("pip could not install the peers; see its message above");
  }
  return python;
}

/** Runs a peer's script and parses its last line as JSON. */
export function runPeer(script, args) {
  const result = spawnSync(peerPython(), [join(PEERS, script), ...args.map(String)], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false" },
  });
  if (result.status !== 0)
    throw new Error(`${script} failed:\n${result.stderr.split("\n").slice(-15).join("\n")}`);
  const last = result.stdout.trim().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? JSON.parse(last) : {};
}
