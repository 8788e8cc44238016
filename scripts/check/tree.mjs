import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

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
