import { oneLine } from "../../errors/index.ts";
import { dataError, show } from "../errors.ts";
import { readLines } from "./lines.ts";

export interface JsonRecord {
  /** 1-based line. */
  row: number;
  object: Record<string, unknown>;
}

/**
 * Parses one JSON object per line; blank lines are skipped. Yields the records of a chunk at a time.
 * @throws {FinetagError} ERR_FINETAG_DATA at the first line that holds no JSON object.
 */
export async function* readJsonl(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<JsonRecord[], void, undefined> {
  let started = false;
  for await (const lines of readLines(path, chunks)) {
    const records: JsonRecord[] = [];
    for (const { row, text } of lines) {
      const json = text.trim();
      if (json === "") continue;
      if (!started && json.startsWith("[")) {
        throw dataError(path, row, "a JSON array; write one object per line (jq -c '.[]' FILE)");
      }
      started = true;
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

function parseObject(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = oneLine((error as Error).message);
    throw new Error(`invalid JSON: ${why}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${show(json)} is not a JSON object; write one object per line`);
  }
  return value as Record<string, unknown>;
}
