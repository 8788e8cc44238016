import { dataError, NAME_COLUMNS } from "../../errors.ts";
import type { DataFormat, DataSpec } from "../../types.ts";
import type { Table, TableRecord, TableSource } from "../table.ts";
import type { TextRecord } from "./csv.ts";
import { isEmptyRecord, nameColumns } from "./header.ts";

/** How many records are looked at to learn which columns are empty. */
const SAMPLE_RECORDS = 1000;

/** Records of fields without names, as CSV, TSV, lines and spreadsheets have them. */
export interface FieldSource {
  readonly path: string;
  readonly format: DataFormat;
  /** Without notes on rows, which the table adds. */
  readonly source: TableSource;
  /** Whether the first record has the names, unless `header` says otherwise. */
  readonly named: boolean;
  /** What to do about a record with too few or too many fields. */
  readonly raggedRemedy: string;
  records(signal?: AbortSignal): AsyncGenerator<TextRecord[], void, undefined>;
}

/**
 * Makes a table of records of fields: takes the names from the first record or from `columns`, and passes over what
 * spreadsheets leave behind, which is rows without any text and columns without a name.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA for a file without rows, a header with a name twice, or `columns` that contradict
 *   the file; ERR_FINETAG_ARGUMENT for given `columns` with a name twice.
 */
export async function openFieldTable(
  spec: DataSpec,
  source: FieldSource,
  textName: string,
  signal?: AbortSignal,
): Promise<Table> {
  const sample = await firstRecords(source, signal);
  const first = sample[0];
  if (first === undefined) throw dataError(spec.path, undefined, "is empty: all of its lines are blank");
  const hasHeader = source.named && spec.header !== false;
  const layout = nameColumns(spec, sample, { hasHeader, textName });
  const table = new FieldTable(source, layout, hasHeader ? first.row : undefined);
  for await (const _ of table.records([], signal)) return table;
  const why = `has a header but no rows; if it has no header, ${NAME_COLUMNS}`;
  throw dataError(spec.path, undefined, why, "header");
}

/**
 * The first record with some text; and more of them where columns without a name are to be looked at. What is wrong in a
 * later one is an error where it is read.
 */
async function firstRecords(source: FieldSource, signal?: AbortSignal): Promise<TextRecord[]> {
  const sample: TextRecord[] = [];
  try {
    for await (const batch of source.records(signal)) {
      for (const record of batch) if (!isEmptyRecord(record)) sample.push(record);
      const isEnough = sample[0]?.fields.every((name) => name.trim() !== "") ?? false;
      if (isEnough || sample.length >= SAMPLE_RECORDS) break;
    }
  } catch (error) {
    if (sample.length === 0) throw error;
  }
  return sample.slice(0, SAMPLE_RECORDS);
}

export interface FieldLayout {
  /** The names of the columns that a user sees. */
  names: string[];
  /** The place of each of them in a record. */
  places: number[];
  /** How many fields a record has, by the header. */
  width: number;
  /** The places that are passed over. */
  dropped: number[];
}

class FieldTable implements Table {
  readonly path: string;
  readonly format: DataFormat;
  readonly source: TableSource;
  readonly headerRow: number | undefined;
  readonly columns: readonly string[];
  readonly #source: FieldSource;
  readonly #layout: FieldLayout;
  readonly #placeOf: ReadonlyMap<string, number>;
  #emptyRows = 0;
  #droppedCells = 0;

  constructor(source: FieldSource, layout: FieldLayout, headerRow: number | undefined) {
    this.path = source.path;
    this.format = source.format;
    this.headerRow = headerRow;
    this.columns = layout.names;
    this.#source = source;
    this.#layout = layout;
    this.#placeOf = new Map(layout.names.map((name, i) => [name, layout.places[i]!]));
    const notes = () => this.#notes();
    this.source = {
      ...source.source,
      get notes() {
        return [...source.source.notes, ...notes()];
      },
    };
  }

  async allColumns(): Promise<readonly string[]> {
    return this.columns;
  }

  async *records(
    names: readonly string[],
    signal?: AbortSignal,
  ): AsyncGenerator<TableRecord[], void, undefined> {
    const { width, dropped } = this.#layout;
    const places = names.map((name) => this.#placeOf.get(name)!);
    let skipHeader = this.headerRow !== undefined;
    let header: readonly string[] = [];
    let emptyRows = 0;
    let droppedCells = 0;
    for await (const batch of this.#source.records(signal)) {
      const kept: TableRecord[] = [];
      for (const record of batch) {
        const { row, fields } = record;
        if (skipHeader) {
          if (isEmptyRecord(record)) continue;
          skipHeader = false;
          header = fields;
          continue;
        }
        if (fields[0] === "" && width > 1 && isEmptyRecord(record)) {
          if (fields.length > 1) emptyRows++;
          continue;
        }
        if (fields.length !== width && !this.#isCut(fields)) {
          if (kept.length > 0) yield kept;
          throw this.#raggedRow(row, fields.length);
        }
        if (fields[0] === header[0] && width > 1 && fields.every((field, i) => field === header[i])) {
          if (kept.length > 0) yield kept;
          const what = "the header is repeated here, as in files that were joined; remove this line";
          throw dataError(this.path, row, what);
        }
        if (dropped.length > 0 && dropped.some((i) => fields[i] !== undefined && fields[i] !== ""))
          droppedCells++;
        kept.push({ row, cells: places.map((i) => fields[i]) });
      }
      if (kept.length > 0) yield kept;
    }
    this.#emptyRows = emptyRows;
    this.#droppedCells = droppedCells;
  }

  /** Whether a record only lacks columns that are passed over, or only has empty fields too many. */
  #isCut(fields: readonly string[]): boolean {
    const { width, places } = this.#layout;
    if (fields.length < width) return fields.length > Math.max(...places);
    return width > 1 && fields.slice(width).every((field) => field === "");
  }

  #raggedRow(row: number, found: number) {
    const what = `expected ${this.#layout.width} fields, found ${found}; ${this.#source.raggedRemedy}`;
    return dataError(this.path, row, what);
  }

  #notes(): string[] {
    const notes: string[] = [];
    const { dropped } = this.#layout;
    if (dropped.length > 0) {
      const some = this.#droppedCells > 0;
      const which = `${dropped.length} ${some ? "unnamed" : "empty"} column${dropped.length > 1 ? "s are" : " is"}`;
      const rows = this.#droppedCells === 1 ? "1 row holds" : `${this.#droppedCells} rows hold`;
      notes.push(`${which} passed over${some ? `, though ${rows} something there` : ""}`);
    }
    if (this.#emptyRows > 0) {
      notes.push(`${this.#emptyRows} empty row${this.#emptyRows > 1 ? "s are" : " is"} passed over`);
    }
    return notes;
  }
}
