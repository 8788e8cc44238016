import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** sha256 over any JSON values, in order. */
export function hashOf(...values) {
  return createHash("sha256").update(JSON.stringify(values)).digest("hex");
}

/** All files below the given files and folders (relative to root), sorted; without node_modules and build products. */
export function listFiles(root, paths) {
  const files = [];
  const visit = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (["node_modules", "dist", "build", ".turbo"].includes(entry.name)) continue;
      const child = join(path, entry.name);
      if (entry.isDirectory()) visit(child);
      else files.push(child);
    }
  };
  for (const path of paths.map((name) => join(root, name))) {
    if (!existsSync(path)) continue;
    try {
      visit(path);
    } catch (error) {
      if (error.code !== "ENOTDIR") throw error;
      files.push(path);
    }
  }
  return files.sort().map((file) => relative(root, file));
}

/** A hash of names and contents. */
export function hashFiles(root, paths) {
  const hash = createHash("sha256");
  for (const file of listFiles(root, paths)) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** What a step wrote down when it last succeeded, or undefined. */
export function readStamp(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

export function writeStamp(file, value) {
  replaceFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Whoever reads the file meanwhile sees the old text or the new one. */
export function replaceFile(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}
