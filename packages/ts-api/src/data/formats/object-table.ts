import { FinetagError } from "../../errors/index.ts";
import { dataError } from "../errors.ts";
import type { DataFormat, DataSpec } from "../types.ts";
import type { Table, TableSource } from "./table.ts";

/** A record whose fields have names of their own. */
export interface ObjectRecord {
  /** As in `TableRecord`. */
  row: number;
  object: Record<string, unknown>;
}

/** Records with names, as JSON, Parquet and Arrow have them. */
export interface ObjectSource {
  readonly path: string;
  readonly format: DataFormat;
  readonly source: TableSource;
  /** The columns, where the file says so; else they are those of its first records. */
  readonly columns?: readonly string[];
  readonly classNames?: Table["classNames"];
  /** @param names The columns that are needed; all of them if absent. */
  objects(signal?: AbortSignal, names?: readonly string[]): AsyncGenerator<ObjectRecord[], void, undefined>;
}

/** How many records are looked at to learn the fields. */
const SAMPLE_RECORDS = 1000;

/**
 * Makes a table of records with names.
 * @throws {FinetagError} ERR_FINETAG_DATA for a file without records; ERR_FINETAG_ARGUMENT for `columns` or `header`, which
 *   do not apply.
 */
export async function openObjectTable(
  spec: DataSpec,
  source: ObjectSource,
  signal?: AbortSignal,
): Promise<Table> {
  const { path, format } = source;
  if (spec.columns !== undefined || spec.header === false) {
    const option = spec.columns === undefined ? "header" : "columns";
    const what = `${path}: ${NAMES[format] ?? "the file"} names its columns itself; leave \`${option}\` out`;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option });
  }

  async function fieldNames(limit: number, signal?: AbortSignal): Promise<string[]> {
    const names = new Set<string>();
    let left = limit;
    for await (const batch of source.objects(signal)) {
      for (const { object } of batch.slice(0, left)) for (const name of Object.keys(object)) names.add(name);
      left -= batch.length;
      if (left <= 0) break;
    }
    return [...names];
  }

  async function* records(names: readonly string[], signal?: AbortSignal) {
    for await (const batch of source.objects(signal, names)) {
      yield batch.map(({ row, object }) => ({
        row,
        cells: names.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined)),
      }));
    }
  }

  const columns = source.columns ?? (await fieldNames(SAMPLE_RECORDS, signal));
  const table: Table = {
    path,
    format,
    source: source.source,
    headerRow: undefined,
    columns,
    ...(source.classNames === undefined ? {} : { classNames: source.classNames }),
    allColumns: async (signal) => source.columns ?? (await fieldNames(Number.POSITIVE_INFINITY, signal)),
    records,
  };
  if (columns.length > 0) for await (const _ of records([], signal)) return table;
  const isJson = format === "json" || format === "jsonl";
  throw dataError(
    path,
    undefined,
    isJson ? "is empty: it has no JSON object with a field" : "is empty: it has no rows",
  );
}

const NAMES: Partial<Record<DataFormat, string>> = {
  jsonl: "each JSON line",
  json: "each JSON object",
  parquet: "a Parquet file",
  arrow: "an Arrow file",
  fasttext: "fastText's layout",
  libmultilabel: "LibMultiLabel's layout",
};
