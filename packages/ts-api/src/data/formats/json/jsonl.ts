import { dataError, show } from "../../errors.ts";
import type { LineEnd } from "../dialect/index.ts";
import type { ObjectRecord } from "../object-table.ts";
import { readLines } from "../text/index.ts";
import { parseJson } from "./parse.ts";

/**
 * Parses one JSON object per line; blank lines are skipped. Yields the records of a chunk at a time.
 * @throws {FinetagError} ERR_FINETAG_DATA at the first line that holds no JSON object.
 */
export async function* readJsonl(
  path: string,
  chunks: AsyncIterable<Buffer>,
  lineEnd?: LineEnd,
): AsyncGenerator<ObjectRecord[], void, undefined> {
  for await (const lines of readLines(path, chunks, lineEnd)) {
    const records: ObjectRecord[] = [];
    for (const { row, text } of lines) {
      const json = text.trim();
      if (json === "") continue;
      try {
        records.push({ row, object: parseObject(json) });
      } catch (error) {
        if (records.length > 0) yield records;
        throw dataError(path, row, (error as Error).message);
      }
    }
    if (records.length > 0) yield records;
  }
}

/** @throws An `Error` that says what is wrong with it. */
function parseObject(json: string): Record<string, unknown> {
  const value = parseJson(json);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${show(json)} is not a JSON object; write one object per line`);
  }
  return value as Record<string, unknown>;
}
