import type { DataFormat, TableSource } from "../types.ts";

export type { TableSource } from "../types.ts";

/** One record, reduced to the columns that were asked for. */
export interface TableRecord {
  /** The 1-based line on which the record starts; in a workbook its row, in a file without lines its number. */
  row: number;
  /**
   * In the order asked for: strings in a format of text; else any JSON value, with `undefined` where a field is absent.
   * Integers beyond 2^53, dates and times are strings.
   */
  cells: readonly unknown[];
  /** The file that has the record, where the table has several; else it is the table's path. */
  path?: string;
}

/** A file as named columns, whatever its format. */
export interface Table {
  readonly path: string;
  readonly format: DataFormat;
  readonly source: TableSource;
  /** The line with the column names, if there is one. */
  readonly headerRow: number | undefined;
  /** The names in the order of the file; for JSONL the fields of the first records. */
  readonly columns: readonly string[];
  /**
   * For the columns that a Hugging Face dataset declares as ClassLabel: the names, in the order of their ids. The cells of
   * these columns have the names.
   */
  readonly classNames?: ReadonlyMap<string, readonly string[]>;
  /** As `columns`, but for JSONL the fields of all records, which takes a pass over the file. */
  allColumns(signal?: AbortSignal): Promise<readonly string[]>;
  /** Streams the records, a chunk's worth at a time; never an empty batch. */
  records(names: readonly string[], signal?: AbortSignal): AsyncGenerator<TableRecord[], void, undefined>;
}
