import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
export const CACHE = join(ROOT, ".cache");
export const LOGS = join(CACHE, "logs");

/** Folders of the workspace with a package.json, relative to the root. */
export function workspaceFolders(root = ROOT) {
  const packages = readdirSync(join(root, "packages")).map((name) => `packages/${name}`);
  return [...packages, "test", "bench", "examples"].filter((name) =>
    existsSync(join(root, name, "package.json")),
  );
}

export function readJson(...parts) {
  return JSON.parse(readFileSync(join(ROOT, ...parts), "utf8"));
}
