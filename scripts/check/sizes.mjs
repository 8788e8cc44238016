import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isCpp, isScript, writtenFiles } from "./tree.mjs";

const LINES = 400;
const FILES = 15;

const isSource = (file) => isScript(file) || isCpp(file) || /\.(py|sh)$/.test(file);

/** Files of more than 400 lines, as `file: what`. */
export function longFiles(root) {
  return writtenFiles(root)
    .filter(isSource)
    .map((file) => [file, readFileSync(join(root, file), "utf8").split("\n").length - 1])
    .filter(([, lines]) => lines > LINES)
    .map(([file, lines]) => `${file}: has ${lines} lines; split it, ${LINES} is the most`);
}

/**
 * Folders with more than 15 files of code in them, as `folder: what`. A C++ header and its source are one; a folder's
 * index.ts, which says what the folder is to others, does not count, and neither do the files of its subfolders.
 */
export function fullFolders(root) {
  const folders = new Map();
  for (const file of writtenFiles(root)) {
    if (!isSource(file) || basename(file) === "index.ts") continue;
    const unit = isCpp(file) ? basename(file).replace(/\.\w+$/, "") : basename(file);
    const units = folders.get(dirname(file)) ?? new Set();
    folders.set(dirname(file), units.add(unit));
  }
  return [...folders]
    .filter(([, units]) => units.size > FILES)
    .map(([folder, { size }]) => `${folder}: has ${size} files; make folders in it, ${FILES} is the most`);
}
