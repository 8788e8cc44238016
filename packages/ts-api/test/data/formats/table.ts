import { openTable, type Table } from "../../../src/data/formats/index.ts";
import type { DataSpec, TableSource } from "../../../src/data/types.ts";

export interface Read {
  table: Table;
  source: TableSource;
  columns: readonly string[];
  rows: number[];
  cells: unknown[][];
  paths: (string | undefined)[];
}

/** Opens a file and reads all columns of all rows. */
export async function readTable(spec: DataSpec, options?: { labelled?: boolean }): Promise<Read> {
  const table = await openTable(spec, "text", undefined, options);
  const read: Read = { table, source: table.source, columns: table.columns, rows: [], cells: [], paths: [] };
  for await (const batch of table.records(table.columns)) {
    for (const { row, cells, path } of batch) {
      read.rows.push(row);
      read.cells.push([...cells]);
      read.paths.push(path);
    }
  }
  return read;
}
