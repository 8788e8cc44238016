import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { isNotFound } from "../../io/index.ts";
import { dataError, showList } from "../errors.ts";
import { fileError } from "./container/index.ts";

/** Endings of files with rows. */
export const DATA_ENDINGS = [
  ".csv",
  ".tsv",
  ".jsonl",
  ".ndjson",
  ".json",
  ".parquet",
  ".xlsx",
  ".arrow",
  ".feather",
  ".txt",
];

/** Endings that may follow one of them. */
export const PACKED_ENDINGS = ["", ".gz", ".zst", ".zip"];

/** What a split of the data is called. */
export const SPLIT_NAMES = ["train", "dev", "val", "valid", "validation", "test"];

/** JSON files of `datasets` that hold no rows. */
const METADATA = ["dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"];

/**
 * The files that a path stands for: itself; the matches of a pattern; the files of a folder, which are of one kind; those of
 * a Hugging Face dataset that was saved to disk.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA for a folder whose files are not rows of one table.
 */
export async function dataFiles(path: string): Promise<string[]> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (cause) {
    if (isNotFound(cause) && /[*?]/.test(basename(path))) return matches(path);
    throw await fileError(path, cause);
  }
  return isFolder ? folderFiles(path) : [path];
}

async function matches(pattern: string): Promise<string[]> {
  const folder = dirname(pattern);
  const wanted = new RegExp(
    `^${basename(pattern)
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
  );
  const names = await readdir(folder).catch(async (cause) => Promise.reject(await fileError(pattern, cause)));
  const found = names.filter((name) => wanted.test(name) && !name.startsWith("."));
  if (found.length === 0) throw dataError(pattern, undefined, "no file matches this pattern");
  return inOrder(found).map((name) =>
    folder === "." && !pattern.startsWith("./") ? name : join(folder, name),
  );
}

async function folderFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(async (cause) => Promise.reject(await fileError(dir, cause)));
  if (names.includes("dataset_dict.json")) {
    const splits = names.filter((name) => name !== "dataset_dict.json" && !name.startsWith("."));
    const first = splits[0] === undefined ? "" : ` (${join(dir, splits[0])})`;
    const remedy = `give one of them${first}, or the whole as \`dataDir\``;
    throw dataError(
      dir,
      undefined,
      `is a saved dataset with the splits ${showList(inOrder(splits))}; ${remedy}`,
    );
  }
  if (names.includes("state.json")) return savedFiles(dir);

  const shown = names.filter((name) => !/^[._]/.test(name) && !METADATA.includes(name));
  const files = inOrder(shown.filter((name) => endingOf(name) !== undefined));
  const split = files.find((name) => SPLIT_NAMES.includes(name.split(".")[0]!.toLowerCase()));
  if (split !== undefined) {
    const what = `is a folder with ${showList(files)}; give one of these files (training takes the folder as a whole, as \`dataDir\`)`;
    throw dataError(dir, undefined, what);
  }
  const endings = [...new Set(files.map((name) => endingOf(name)!))];
  if (endings.length > 1) {
    const what = `is a folder with files of several kinds (${endings.join(", ")}); give one of its files`;
    throw dataError(dir, undefined, `${what}, or a pattern such as ${join(dir, `*${endings[0]}`)}`);
  }
  if (files.length === 0) {
    throw dataError(dir, undefined, `is a folder without a data file (${DATA_ENDINGS.join(", ")})`);
  }
  return files.map((name) => join(dir, name));
}

/** The files of a dataset that `datasets` saved to disk. */
async function savedFiles(dir: string): Promise<string[]> {
  const path = join(dir, "state.json");
  let names: unknown[] = [];
  try {
    const { _data_files } = JSON.parse(await readFile(path, "utf8"));
    names = _data_files.map(({ filename }: { filename: unknown }) => filename);
  } catch {}
  const isName = (name: unknown) => typeof name === "string" && basename(name) === name;
  if (names.length > 0 && names.every(isName)) return names.map((name) => join(dir, name as string));
  throw dataError(path, undefined, "names no files; save the dataset again (Dataset.save_to_disk)");
}

/** The ending of a data file, with that of its compression; undefined for other files. */
export function endingOf(name: string): string | undefined {
  const last = extname(name).toLowerCase();
  const packed = last !== "" && PACKED_ENDINGS.includes(last) ? last : "";
  const ending = packed === "" ? last : extname(name.slice(0, -packed.length)).toLowerCase();
  return DATA_ENDINGS.includes(ending) ? ending + packed : undefined;
}

/** By name, numbers by their value. */
function inOrder(names: readonly string[]): string[] {
  return [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : 1));
}
