import { extname } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { dataError, didYouMean, show } from "../errors.ts";
import type { DataFormat } from "../types.ts";

const FORMATS: readonly DataFormat[] = ["csv", "tsv", "jsonl", "txt"];

const BY_EXTENSION: Record<string, DataFormat> = {
  ".csv": "csv",
  ".tsv": "tsv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".json": "jsonl",
  ".txt": "txt",
};

const UNREADABLE: Record<string, string> = {
  ".gz": "decompress it first (gunzip -k FILE)",
  ".bz2": "decompress it first (bunzip2 -k FILE)",
  ".xz": "decompress it first (unxz -k FILE)",
  ".zst": "decompress it first (unzstd FILE)",
  ".zip": "unpack it first",
  ".xls": "export it as CSV",
  ".xlsx": "export it as CSV",
  ".parquet": "export it as CSV or JSONL",
  ".arrow": "export it as CSV or JSONL",
};

/**
 * The format of a file: the one given, else by its extension.
 * @throws {FinetagError} ERR_FINETAG_DATA for an extension that says nothing, ERR_FINETAG_ARGUMENT for an
 *   unknown format.
 */
export function dataFormat(path: string, given?: DataFormat): DataFormat {
  if (given !== undefined) {
    if (FORMATS.includes(given)) return given;
    const advice = didYouMean(String(given), FORMATS) || `; it is one of ${FORMATS.join(", ")}`;
    const message = `unknown data format ${show(String(given))}${advice}`;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "format" });
  }
  const extension = extname(path).toLowerCase();
  const format = BY_EXTENSION[extension];
  if (format !== undefined) return format;
  const what = extension === "" ? "has no extension" : `finetag reads no ${extension} files`;
  const remedy = UNREADABLE[extension] ?? "set `format` to csv, tsv or jsonl";
  throw dataError(path, undefined, `${what}; ${remedy}`, "format");
}
