import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** Folders of data, not of code: what they hold has the names and sizes of where it comes from. */
const DATA = new Set(["golden", "fixtures", "results"]);

/** Files that people write, relative to root: those that git tracks, or would; without data and generated files. */
export function writtenFiles(root) {
  const args = ["-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const listed = execFileSync("git", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  return [...new Set(listed.split("\0"))]
    .filter((file) => file !== "" && !file.split("/").some((name) => DATA.has(name)))
    .filter((file) => existsSync(join(root, file)))
    .sort();
}

export const isScript = (file) => /\.[cm]?[jt]s$/.test(file);
export const isCpp = (file) => /\.(h|hpp|cpp)$/.test(file);

/** The TypeScript that a package is made of. */
export function packageSources(root) {
  return writtenFiles(root).filter((file) => /^packages\/[^/]+\/(src|lib)\/.*\.ts$/.test(file));
}

// biome puts every import on lines of its own; one in a comment or in a template string has something before it.
const STATIC = /^(?:import|export)\b[^'"`;]*?\bfrom\s*["']([^"']+)["']|^import\s*["']([^"']+)["']/gm;
const LAZY = /\bimport\(\s*["']([^"']+)["']\s*\)/g;

/** Imports and re-exports of a file: their names as written, and whether they wait until they are asked for. */
export function importsOf(root, file) {
  const text = readFileSync(join(root, file), "utf8");
  return [
    ...Array.from(text.matchAll(STATIC), ([, from, bare]) => ({ name: from ?? bare, lazy: false })),
    ...Array.from(text.matchAll(LAZY), ([, name]) => ({ name, lazy: true })),
  ];
}

/** The file that an import names, relative to root; undefined for a package. */
export function targetOf(file, name) {
  return name.startsWith(".") ? posix.join(dirname(file), name) : undefined;
}
