import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ioError } from "../io/index.ts";
import { dataError, showList } from "./errors.ts";
import { DATA_ENDINGS, PACKED_ENDINGS } from "./formats/index.ts";

const LABEL_FILES = ["classes.txt", "labels.txt", "classes.json", "labels.json"];

/** What the files of a purpose are called. */
const SPLITS = { train: ["train"], dev: ["dev", "val", "valid", "validation"], test: ["test"] } as const;

const ANY_ENDING = DATA_ENDINGS.flatMap((ending) => PACKED_ENDINGS.map((packed) => ending + packed));

export interface DataDirectory {
  train?: string;
  dev?: string;
  test?: string;
  labels?: string;
}

/**
 * Finds the files of a data directory: train.csv, dev.csv (or val, valid, validation) and test.csv, of any format that is read,
 * and classes.txt (or labels.txt, labels.json). Without such a file, the parts of one (train-00000-of-00002.parquet, …), also
 * in the subfolder `data`, or a subfolder of the name. Missing files are left out; paths are below `dir`.
 * @throws {FinetagError} ERR_FINETAG_DATA if `dir` isn't a directory, has none of these files, or has two
 *   for the same purpose.
 */
export async function findDataDirectory(dir: string): Promise<DataDirectory> {
  const present = await list(dir);
  const one = (candidates: readonly string[]) =>
    only(
      dir,
      candidates.filter((name) => present.files.includes(name)),
    );
  const split = (names: readonly string[]): string | undefined => {
    const files = names.flatMap((name) => ANY_ENDING.map((ending) => name + ending));
    const isText = (name: string) => name.endsWith(".txt"); // often notes, where there is another file
    const found = one(files.filter((name) => !isText(name))) ?? one(files.filter(isText));
    return (
      found ??
      shards(dir, present.files, names) ??
      only(
        dir,
        present.folders.filter((folder) => names.includes(folder)),
      )
    );
  };
  const files = { train: split(SPLITS.train), dev: split(SPLITS.dev), test: split(SPLITS.test) };
  const isEmpty = Object.values(files).every((file) => file === undefined);
  if (isEmpty && present.folders.includes("data")) {
    const inner = await findDataDirectory(join(dir, "data")).catch(() => undefined);
    if (inner !== undefined) return inner;
  }
  if (isEmpty) {
    const what = "has no train, dev or test file (.csv, .tsv, .jsonl, .parquet, …); give another folder";
    throw dataError(dir, undefined, what);
  }
  return { ...files, labels: one(LABEL_FILES) };
}

/** The parts of a file, as a pattern. */
function shards(dir: string, files: readonly string[], names: readonly string[]): string | undefined {
  const patterns = new Set<string>();
  for (const file of files) {
    const match = /^([a-z]+)-\d{5}(-of-\d{5}\.[\w.]+)$/.exec(file);
    if (match !== null && names.includes(match[1]!)) patterns.add(`${match[1]}-*${match[2]}`);
  }
  return only(dir, [...patterns]);
}

function only(dir: string, found: readonly string[]): string | undefined {
  if (found.length > 1) {
    throw dataError(dir, undefined, `has ${showList(found)}; keep one of them, or name the file you mean`);
  }
  return found[0] === undefined ? undefined : join(dir, found[0]);
}

async function list(dir: string): Promise<{ files: string[]; folders: string[] }> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return { files: entries.map(({ name }) => name).filter((name) => !folders.includes(name)), folders };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw dataError(dir, undefined, "no such directory");
    if (code === "ENOTDIR") throw dataError(dir, undefined, "is a file, not a data directory");
    throw ioError(cause, "read", dir);
  }
}
