// The npm peers, in a folder of their own that the benchmark fills once: they are no part of the workspace.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "../../scripts/lib/errors.mjs";
import { CACHE, readJson } from "../../scripts/lib/paths.mjs";

const MANIFEST = fileURLToPath(new URL("../peers/package.json", import.meta.url));

/**
 * The folder whose node_modules hold the packages of peers/package.json. No install script runs: onnxruntime-node's
 * fetches CUDA libraries, and its CPU library is in the package already.
 */
export function nodePeers() {
  const key = createHash("sha256").update(readFileSync(MANIFEST)).digest("hex").slice(0, 12);
  const folder = join(CACHE, "bench", `node-peers-${key}`);
  if (existsSync(folder)) return folder;
  console.error(`installing the npm peers (${folder})`);
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  copyFileSync(MANIFEST, join(fresh, "package.json"));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = spawnSync("npm", ["install", ...flags], { cwd: fresh, stdio: ["ignore", 2, 2] });
  if (npm.status !== 0) throw new SetupError("npm could not install the peers; see its message above");
  renameSync(fresh, folder);
  return folder;
}

/** Their exact versions, by name. */
export function nodePeerVersions() {
  return readJson("bench", "peers", "package.json").dependencies;
}
