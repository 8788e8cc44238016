import { dataError, show } from "../../errors.ts";
import type { ObjectRecord } from "../object-table.ts";
import { parseJson } from "./parse.ts";

/** A file in columns is read as a whole: a row's first field is at its start, and the last one at its end. */
const LIMIT_BYTES = 256 * 1024 * 1024;

const BATCH = 1000;

const REMEDY = 'save it by rows (in pandas, to_json("data.jsonl", orient="records", lines=True))';

/**
 * Reads JSON that is stored by columns: `{"text": {"0": …}, …}` or `{"text": […], …}`, or with the names in `columns` and
 * the rows in `data`. `row` is the number of the row, from 1.
 */
export async function* readColumns(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<ObjectRecord[], void, undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    length += chunk.length;
    if (length > LIMIT_BYTES) {
      throw dataError(path, undefined, `has more than 256 MiB of JSON stored by columns; ${REMEDY}`);
    }
  }
  let value: Record<string, unknown>;
  try {
    value = parseJson(Buffer.concat(pieces).toString()) as Record<string, unknown>;
  } catch (error) {
    throw dataError(path, undefined, (error as Error).message);
  }
  const { names, rows } = rowsOf(path, value);
  for (let start = 0; start < rows.length; start += BATCH) {
    yield rows.slice(start, start + BATCH).map((cells, i) => ({
      row: start + i + 1,
      object: Object.fromEntries(names.map((name, k) => [name, cells[k]])),
    }));
  }
}

function rowsOf(path: string, value: Record<string, unknown>): { names: string[]; rows: unknown[][] } {
  const { columns, data } = value;
  if (Array.isArray(columns) && Array.isArray(data)) {
    const names = columns.map(String);
    const at = data.findIndex((row) => !Array.isArray(row) || row.length !== names.length);
    if (at < 0) return { names, rows: data };
    throw dataError(path, at + 1, `expected ${names.length} fields; ${REMEDY}`);
  }
  const names = Object.keys(value);
  const keys = Object.keys((value[names[0]!] ?? {}) as object);
  for (const name of names) {
    const own = value[name];
    const size = typeof own === "object" && own !== null ? Object.keys(own).length : -1;
    if (size === keys.length) continue;
    const what = `the column ${show(name)} has ${Math.max(size, 0)} values, ${show(names[0]!)} has ${keys.length}`;
    throw dataError(path, undefined, `${what}; ${REMEDY}`);
  }
  const lists = names.map((name) => value[name] as Record<string, unknown>);
  return { names, rows: keys.map((key) => lists.map((list) => list[key])) };
}
