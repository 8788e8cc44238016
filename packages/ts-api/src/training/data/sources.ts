import { stat } from "node:fs/promises";
import type { DataFile } from "../../data/index.ts";
import type { EncodableRow } from "../../engine/index.ts";
import { FinetagError } from "../../errors/index.ts";
import { ioError } from "../../io/index.ts";

/** Rows to train or evaluate on, from a file or from memory; labels are already indices. */
export interface RowSource {
  /** Name for messages: the file's path, or `train rows`. */
  readonly name: string;
  readonly bytes: number;
  /** The file it reads, if any. */
  readonly file?: DataFile;
  rows(signal?: AbortSignal): AsyncIterable<EncodableRow> | Iterable<EncodableRow>;
  /** Rows with an empty text; known once all rows have been read. */
  emptyTexts(): number;
  /** Rows that are not among those read, as {@link DataFile} counts them; known once all rows have been read. */
  leftOut?(): LeftOut;
}

/** Rows of a file that a run does not have. */
export interface LeftOut {
  /** Rows with no known label. */
  unlabeled: number;
  /** Rows with the text of an earlier one. */
  merged: number;
}

/** A text with its label names, given by a program. */
export interface LabeledText {
  text: string;
  textPair?: string;
  labels: readonly string[];
}

export async function fileSource(file: DataFile): Promise<RowSource> {
  let bytes = 0;
  for (const path of file.source.files) {
    const { size } = await stat(path).catch((error) => Promise.reject(ioError(error, "read", path)));
    bytes += size;
  }
  return {
    name: file.path,
    bytes,
    file,
    rows: (signal) => file.rows(signal),
    emptyTexts: () => file.emptyTexts,
    leftOut: () => ({ unlabeled: file.unlabeledRows, merged: file.mergedRows }),
  };
}

/**
 * @param labels known to be well formed, see {@link collectLabels}
 * @throws FinetagError `ERR_FINETAG_DATA` for a row that is not a text with label names, with its index.
 */
export function memorySource(
  name: string,
  rows: readonly LabeledText[],
  labels: readonly string[],
): RowSource {
  const indices = new Map(labels.map((label, index) => [label, index]));
  const encodable = rows.map((given, row): EncodableRow => {
    const { text, textPair, labels: names } = checkRow(name, row, given, (label) => indices.has(label));
    const found = names.map((label) => indices.get(label) ?? unknownLabel(name, row, label, labels));
    return { text, textPair, labels: [...new Set(found)].sort((a, b) => a - b) };
  });
  return {
    name,
    bytes: 0,
    rows: () => encodable,
    emptyTexts: () => rows.reduce((count, { text }) => count + (text.trim() === "" ? 1 : 0), 0),
  };
}

/**
 * All label names of rows given by a program, sorted.
 *
 * @throws FinetagError `ERR_FINETAG_DATA` for rows that are unusable or have no label.
 */
export function collectLabels(name: string, rows: readonly LabeledText[]): string[] {
  const names = new Set<string>();
  for (const [i, row] of rows.entries()) for (const label of checkRow(name, i, row).labels) names.add(label);
  if (names.size === 0) {
    const what = rows.length === 0 ? "no rows; give at least one" : "no row has a label; give at least one";
    throw new FinetagError("ERR_FINETAG_DATA", `${name}: ${what}`);
  }
  return [...names].sort();
}

/** Checks what TypeScript cannot, and what a file's rows are checked for. */
function checkRow(
  name: string,
  index: number,
  row: LabeledText,
  isKnown: (label: string) => boolean = () => false,
): LabeledText {
  const place = `${name}[${index}]`;
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw rowError(place, `is ${shownValue(row)}; give an object with a text and its labels`);
  }
  checkText(`${place}.text`, row.text);
  if (row.textPair !== undefined) checkText(`${place}.textPair`, row.textPair);
  const { labels } = row;
  if (!Array.isArray(labels)) {
    throw rowError(
      `${place}.labels`,
      `is ${shownValue(labels)}; give an array of label names, [] if none applies`,
    );
  }
  for (const label of labels as unknown[]) {
    if (typeof label === "string" && (isKnown(label) || isName(label))) continue;
    const what = "give each label as a string that is not empty, without blanks around it";
    throw rowError(`${place}.labels`, `${shownValue(label)} is not a label; ${what}`);
  }
  return row;
}

function isName(label: string): boolean {
  return label !== "" && label.trim() === label && !HALF.test(label);
}

/** Half of a surrogate pair, which no tokenizer and no file can hold. */
const HALF = /\p{Surrogate}/u;

function checkText(place: string, text: unknown): void {
  if (typeof text !== "string") throw rowError(place, `is ${shownValue(text)}; give a string`);
  if (HALF.test(text)) throw rowError(place, "has half of a surrogate pair; remove it");
}

function rowError(place: string, what: string): FinetagError {
  return new FinetagError("ERR_FINETAG_DATA", `${place}: ${what}`);
}

function shownValue(value: unknown): string {
  if (value === undefined) return "missing";
  const text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function shown(labels: readonly string[]): string {
  const names = labels.slice(0, 20).map((label) => JSON.stringify(label));
  return labels.length > 20 ? `${names.join(", ")} and ${labels.length - 20} more` : names.join(", ");
}

function unknownLabel(name: string, row: number, label: string, labels: readonly string[]): never {
  throw new FinetagError(
    "ERR_FINETAG_DATA",
    `${name}[${row}].labels: unknown label ${JSON.stringify(label)}; the labels are ${shown(labels)}`,
  );
}
