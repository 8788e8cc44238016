import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ioError } from "../io/index.ts";
import { dataError, showList } from "./errors.ts";

const DATA_EXTENSIONS = [".csv", ".tsv", ".jsonl"];
const LABEL_FILES = ["classes.txt", "labels.txt"];

export interface DataDirectory {
  train?: string;
  dev?: string;
  test?: string;
  labels?: string;
}

/**
 * Finds the files of a data directory in the layout of the older tools: train.csv, dev.csv, test.csv (or
 * .tsv, .jsonl) and classes.txt (or labels.txt). Missing files are left out; paths are below `dir`.
 * @throws {FinetagError} ERR_FINETAG_DATA if `dir` isn't a directory, has none of these files, or has two
 *   for the same purpose.
 */
export async function findDataDirectory(dir: string): Promise<DataDirectory> {
  const present = new Set(await list(dir));
  const one = (candidates: string[]): string | undefined => {
    const found = candidates.filter((name) => present.has(name));
    if (found.length > 1) {
      throw dataError(dir, undefined, `has ${showList(found)}; keep one of them, or name the file you mean`);
    }
    return found[0] === undefined ? undefined : join(dir, found[0]);
  };
  const split = (name: string) => one(DATA_EXTENSIONS.map((extension) => name + extension));
  const files = { train: split("train"), dev: split("dev"), test: split("test") };
  if (Object.values(files).every((file) => file === undefined)) {
    throw dataError(
      dir,
      undefined,
      "has no train, dev or test file (.csv, .tsv or .jsonl); give another folder",
    );
  }
  return { ...files, labels: one(LABEL_FILES) };
}

async function list(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw dataError(dir, undefined, "no such directory");
    if (code === "ENOTDIR") throw dataError(dir, undefined, "is a file, not a data directory");
    throw ioError(cause, "read", dir);
  }
}
