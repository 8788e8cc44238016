import { extname } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { dataError, didYouMean, show } from "../errors.ts";
import type { DataFormat, DataSpec } from "../types.ts";
import { isArrow } from "./binary/index.ts";
import type { Contents } from "./container/index.ts";
import { findDialect, findLineEnd, linesOf } from "./dialect/index.ts";
import { jsonLayout } from "./json/index.ts";

const FORMATS: readonly DataFormat[] = [
  "csv",
  "tsv",
  "jsonl",
  "json",
  "txt",
  "fasttext",
  "libmultilabel",
  "parquet",
  "xlsx",
  "arrow",
];

type TextFormat = Exclude<DataFormat, "parquet" | "arrow" | "xlsx">;

const BY_EXTENSION: Record<string, TextFormat> = {
  ".csv": "csv",
  ".tsv": "tsv",
  ".tab": "tsv",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".json": "jsonl",
  ".txt": "txt",
};

/** @throws {FinetagError} ERR_FINETAG_ARGUMENT for an unknown format. */
export function checkFormat(given: DataFormat | undefined): void {
  if (given === undefined || FORMATS.includes(given)) return;
  const advice = didYouMean(String(given), FORMATS) || `; it is one of ${FORMATS.join(", ")}`;
  const message = `unknown data format ${show(String(given))}${advice}`;
  throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "format" });
}

/** The format of a file that is no text, by its first bytes. */
export function binaryFormat({ head, container }: Contents): "parquet" | "arrow" | "xlsx" | undefined {
  if (head.toString("latin1", 0, 4) === "PAR1") return "parquet";
  if (isArrow(head)) return "arrow";
  // Other archives have been opened, or refused.
  return container === "plain" && head.toString("latin1", 0, 4) === "PK\x03\x04" ? "xlsx" : undefined;
}

/**
 * The format of a text file: the given one; else what its content shows, which is JSON and fastText's labels; else by its
 * ending; else by the delimiter that cuts it into columns.
 *
 * @param text The start of the file.
 * @throws {FinetagError} ERR_FINETAG_DATA for a file whose content and ending say nothing.
 */
export function textFormat(
  spec: DataSpec,
  contents: Contents,
  text: string,
  { labelled, textName }: { labelled: boolean; textName: string },
): TextFormat {
  const { name, path, whole } = contents;
  if (spec.format !== undefined) return spec.format as TextFormat;
  const ending = BY_EXTENSION[extname(name).toLowerCase()];
  const isTable = ending === "csv" || ending === "tsv";
  const lineEnd = findLineEnd(text);
  const lines = linesOf(text, lineEnd, whole);
  const json = mayBeJson(spec, ending, lines, text, whole) ? jsonOf(path, text, whole, textName) : undefined;
  if (json !== undefined) return json;
  const isGiven = isTable && spec.header === false; // the user has said what the columns are
  if (!isGiven && lines.length > 0 && lines.every((line) => /^\s*__label__\S|\s__label__\S+\s*$/.test(line)))
    return "fasttext";
  if (ending !== undefined && ending !== "txt") return ending;
  if (ending === "txt" && !labelled) return "txt";
  if (labelled && spec.header !== false && spec.columns === undefined) {
    if (libMultiLabelWidth(lines) !== undefined && !hasNames(lines[0]!, textName)) return "libmultilabel";
  }
  const usual = lines[0]?.includes("\t") ? "\t" : ",";
  const { delimiter, fits } = findDialect(spec, text, { usual, whole });
  if (fits || (lines.length === 1 && ending === undefined && lines[0]!.includes(delimiter)))
    return delimiter === "\t" ? "tsv" : "csv";
  if (ending === "txt") return "txt";
  const extension = extname(name);
  const what = extension === "" ? "has no extension" : `its extension ${extension} says nothing`;
  const remedy = "set `format` to csv for a header and one column, or to txt for one text per line";
  throw dataError(path, undefined, `${what}, and neither does its content; ${remedy}`, "format");
}

function jsonOf(path: string, text: string, whole: boolean, textName: string): "json" | "jsonl" | undefined {
  const layout = jsonLayout(path, text, { whole, textName });
  return layout === undefined ? undefined : layout.kind === "lines" ? "jsonl" : "json";
}

/** Where the ending says otherwise, a file is JSON only if its start and its end show it: texts may begin with a bracket. */
function mayBeJson(
  spec: DataSpec,
  ending: TextFormat | undefined,
  lines: readonly string[],
  text: string,
  whole: boolean,
): boolean {
  if (ending === "jsonl") return true;
  if (spec.header === false || (whole && !/[}\]]\s*$/.test(text))) return false;
  const start = lines.slice(0, 3).join(" ").trim();
  return /^(?:\[\s*)?\{\s*"(?:[^"\\]|\\.)*"\s*:/.test(start);
}

/** How many fields the lines of LibMultiLabel's layout have, if they can be of it: the text is last, the longest, an id has no blanks. */
function libMultiLabelWidth(lines: readonly string[]): 2 | 3 | undefined {
  const rows = lines.map((line) => line.split("\t"));
  const width = rows[0]?.length;
  if ((width !== 2 && width !== 3) || rows.some(({ length }) => length !== width)) return undefined;
  const lengthOf = (i: number) => rows.reduce((sum, row) => sum + row[i]!.length, 0);
  if (lengthOf(width - 1) <= lengthOf(width - 2)) return undefined;
  if (width === 3 && rows.some((row) => /\s/.test(row[0]!))) return undefined;
  return width;
}

/** Whether a line is a header. */
function hasNames(line: string, textName: string): boolean {
  const names = line.split("\t").map((name) => name.trim().toLowerCase());
  return [textName.toLowerCase(), "text", "label", "labels", "sentence", "comment_text"].some((name) =>
    names.includes(name),
  );
}
