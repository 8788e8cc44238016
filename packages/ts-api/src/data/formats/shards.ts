import { dataError, didYouMean, showList } from "../errors.ts";
import type { DataSpec } from "../types.ts";
import { dataFiles } from "./files.ts";
import { openFile } from "./open.ts";
import type { Table, TableRecord } from "./table.ts";

/**
 * Opens a file, or several as one: a folder, a pattern, a saved Hugging Face dataset. Files that are read as one have the
 * same columns. See `openFile`.
 */
export async function openTable(
  spec: DataSpec,
  textName: string,
  signal?: AbortSignal,
  { labelled = true }: { labelled?: boolean } = {},
): Promise<Table> {
  const paths = await dataFiles(spec.path);
  const tables: Table[] = [];
  for (const path of paths) {
    const table = await openFile({ ...spec, path }, textName, signal, labelled);
    if (tables[0] !== undefined) checkAlike(tables[0], table);
    tables.push(table);
  }
  const [first] = tables as [Table];
  return tables.length > 1 ? joined(spec.path, tables) : withShardNote(first);
}

function checkAlike(first: Table, other: Table): void {
  if (other.format !== first.format) {
    const what = `is of format ${other.format}, ${first.path} of format ${first.format}`;
    throw dataError(other.path, undefined, `${what}; give files of one kind`);
  }
  if (first.format === "jsonl" || first.format === "json") return; // a field may be absent from any record
  const missing = first.columns.find((name) => !other.columns.includes(name));
  const extra = other.columns.find((name) => !first.columns.includes(name));
  if (missing === undefined && extra === undefined) return;
  const [has, lacks] = missing === undefined ? [other, first] : [first, other];
  const name = (missing ?? extra)!;
  const what = `has no column ${showList([name])}, which ${has.path} has${didYouMean(name, lacks.columns)}`;
  throw dataError(lacks.path, lacks.headerRow, `${what}; files that are read as one have the same columns`);
}

function joined(path: string, tables: readonly Table[]): Table {
  const [first] = tables as readonly [Table, ...Table[]];
  const union = (lists: (readonly string[])[]) => [...new Set(lists.flat())];
  async function* records(
    names: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<TableRecord[], void, undefined> {
    for (const table of tables) {
      for await (const batch of table.records(names, signal)) {
        yield batch.map((record) => ({ ...record, path: table.path }));
      }
    }
  }
  return {
    ...first,
    path,
    columns: union(tables.map(({ columns }) => columns)),
    allColumns: async (signal) => {
      const lists: (readonly string[])[] = [];
      for (const table of tables) lists.push(await table.allColumns(signal));
      return union(lists);
    },
    records,
    source: {
      ...first.source,
      files: tables.flatMap(({ source }) => source.files),
      get notes() {
        const own = tables.flatMap(({ path, source }) => source.notes.map((note) => `${path}: ${note}`));
        return [`${tables.length} files are read as one`, ...own];
      },
    },
  };
}

/** One of several shards is a part of the data. */
function withShardNote(table: Table): Table {
  const match = /^(.*)-\d{5}(-of-(\d{5})\.[^/]*)$/.exec(table.path);
  if (match === null || Number(match[3]) < 2) return table;
  const { path, format, headerRow, columns, classNames, source } = table;
  const note = `one of ${Number(match[3])} files; all of them are ${match[1]}-*${match[2]}`;
  return {
    path,
    format,
    headerRow,
    columns,
    ...(classNames === undefined ? {} : { classNames }),
    allColumns: (signal) => table.allColumns(signal),
    records: (names, signal) => table.records(names, signal),
    source: {
      ...source,
      get notes() {
        return [note, ...source.notes];
      },
    },
  };
}
