import { isCpp, isScript, writtenFiles } from "./tree.mjs";

/** What the world calls the folder of things made by others. */
const KNOWN = new Set(["third_party"]);

const KEBAB_FILE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/;
const SNAKE_FILE = /^[a-z0-9]+(_[a-z0-9]+)*\.(h|hpp|cpp)$/;
const KEBAB = /^\.?[a-z0-9]+(-[a-z0-9]+)*$/;
const SNAKE = /^[a-z0-9]+(_[a-z0-9]+)*$/;

/** The folders of a C++ file that are C++'s own: those in a package, not the package. */
const CPP_FOLDERS = /^packages\/[^/]+\//;

/** Files and folders of code whose names are not of the kind of their language, as `file: what`. */
export function nameBreaches(root) {
  const breaches = new Set();
  for (const file of writtenFiles(root)) {
    if (!isScript(file) && !isCpp(file)) continue;
    const cpp = isCpp(file);
    const path = (cpp ? file.replace(CPP_FOLDERS, "") : file).split("/");
    const name = path.pop();
    const kind = cpp ? "snake_case" : "kebab-case";
    if (!(cpp ? SNAKE_FILE : KEBAB_FILE).test(name)) breaches.add(`${file}: the file's name is not ${kind}`);
    const folder = path.find((part) => !KNOWN.has(part) && !(cpp ? SNAKE : KEBAB).test(part));
    if (folder !== undefined) breaches.add(`${file}: the folder's name "${folder}" is not ${kind}`);
  }
  return [...breaches];
}
