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
  };
}

/** @throws FinetagError `ERR_FINETAG_DATA` for a label that is not in `labels`, with the row's index. */
export function memorySource(
  name: string,
  rows: readonly LabeledText[],
  labels: readonly string[],
): RowSource {
  const indices = new Map(labels.map((label, index) => [label, index]));
  const encodable = rows.map(
    ({ text, textPair, labels: given }, row): EncodableRow => ({
      text,
      textPair,
      labels: [
        ...new Set(given.map((label) => indices.get(label) ?? unknownLabel(name, row, label, labels))),
      ].sort((a, b) => a - b),
    }),
  );
  return {
    name,
    bytes: 0,
    rows: () => encodable,
    emptyTexts: () => rows.reduce((count, { text }) => count + (text.trim() === "" ? 1 : 0), 0),
  };
}

/** All label names of rows given by a program, sorted. */
export function collectLabels(rows: readonly LabeledText[]): string[] {
  return [...new Set(rows.flatMap(({ labels }) => labels))].sort();
}

function shown(labels: readonly string[]): string {
  const names = labels.slice(0, 20).map((label) => JSON.stringify(label));
  return labels.length > 20 ? `${names.join(", ")} and ${labels.length - 20} more` : names.join(", ");
}

function unknownLabel(name: string, row: number, label: string, labels: readonly string[]): never {
  throw new FinetagError(
    "ERR_FINETAG_DATA",
    `${name}[${row}]: unknown label ${JSON.stringify(label)}; the labels are ${shown(labels)}`,
  );
}
