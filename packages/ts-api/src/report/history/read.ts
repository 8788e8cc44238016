import { createReadStream } from "node:fs";
import { join } from "node:path";
import { readLines } from "../../data/index.ts";
import { FinetagError } from "../../errors/index.ts";
import { ioError } from "../../io/index.ts";
import type { HistoryEntry } from "./entries.ts";

/** The file's name in a run's output directory. */
export const HISTORY = "history.jsonl";

/**
 * Reads the history of a run from its output directory, even while it is running: losses, learning rates, evaluations.
 * Entries are in the run's order. Skip types that you do not know. An incomplete last line is ignored.
 *
 * @throws FinetagError `ERR_FINETAG_IO` if there is no `history.jsonl`; `ERR_FINETAG_DATA` if the file was not written by
 *   finetag, or by a newer version of it.
 */
export async function readHistory(outputDir: string): Promise<HistoryEntry[]> {
  const path = join(outputDir, HISTORY);
  const entries: HistoryEntry[] = [];
  let damagedRow: number | undefined;
  for await (const { row, entry } of readEntries(path)) {
    if (damagedRow !== undefined) {
      throw new FinetagError(
        "ERR_FINETAG_DATA",
        `${path}:${damagedRow}: not an entry of a run's history; remove the line`,
      );
    }
    if (entry === undefined) damagedRow = row;
    else entries.push(entry);
  }
  return entries;
}

/** A line, with its entry unless it is damaged. */
export interface HistoryLine {
  row: number;
  text: string;
  entry: HistoryEntry | undefined;
}

/** @throws As {@link readHistory}, but for damaged lines. */
export async function* readEntries(path: string): AsyncGenerator<HistoryLine, void> {
  try {
    for await (const lines of readLines(path, createReadStream(path))) {
      for (const { row, text } of lines) {
        const entry = parse(text);
        if (row === 1 && entry !== undefined) checkVersion(path, entry);
        yield { row, text, entry };
      }
    }
  } catch (error) {
    throw ioError(error, "read", path);
  }
}

function parse(text: string): HistoryEntry | undefined {
  try {
    const entry = JSON.parse(text);
    return typeof entry.type === "string" && Number.isSafeInteger(entry.step) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function checkVersion(path: string, entry: HistoryEntry): void {
  const version = "version" in entry ? entry.version : undefined;
  if (version === 1) return;
  throw new FinetagError(
    "ERR_FINETAG_DATA",
    `${path}: format ${version ?? "unknown"}, but this finetag reads format 1; ` +
      "use the version of finetag that wrote it, or move the file away",
  );
}
