import { FinetagError } from "../../errors/index.ts";
import { dataError, NAME_COLUMNS, show, showList } from "../errors.ts";
import type { DataFormat, DataSpec } from "../types.ts";
import { checkFile, readText } from "./bytes.ts";
import type { TextRecord } from "./csv.ts";
import { dataFormat } from "./format.ts";
import { readJsonl } from "./jsonl.ts";
import { readLines } from "./lines.ts";

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

/** How a file was read, as far as it was told from its content. */
export interface TableSource {
  readonly container: "plain" | "gzip" | "zstd" | "zip";
  readonly format: DataFormat;
  /** By its name on the web ("utf-8", "gb18030"); undefined for a binary format. */
  readonly encoding: string | undefined;
  /** For `csv` and `tsv`. */
  readonly delimiter?: string;
  /** Whether a double quote encloses a field: true for `csv`, and for a `tsv` that is quoted throughout. */
  readonly quoted?: boolean;
  /** The files that are read as one, in order; most often one. */
  readonly files: readonly string[];
  /**
   * What else a user should know, as whole clauses ("2 empty columns are passed over"). What depends on rows is here
   * after a pass over them.
   */
  readonly notes: readonly string[];
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
  /** As `columns`, but for JSONL the fields of all records, which takes a pass over the file. */
  allColumns(signal?: AbortSignal): Promise<readonly string[]>;
  /** Streams the records, a chunk's worth at a time; never an empty batch. */
  records(names: readonly string[], signal?: AbortSignal): AsyncGenerator<TableRecord[], void, undefined>;
}

type TextFormat = "csv" | "tsv" | "txt";

/** How many JSONL records are looked at to learn the fields. */
const JSONL_SAMPLE = 1000;

/**
 * Opens a file and reads its header. `textName` names the only column of a file without any names. `labelled` is whether
 * rows have labels: lines of text are otherwise read as they are, whatever stands in them.
 * @throws {FinetagError} ERR_FINETAG_DATA for a file without rows, a header with a name twice, or `columns`
 *   that contradict the file; ERR_FINETAG_ARGUMENT for a `columns` or `header` that does not apply.
 */
export async function openTable(
  spec: DataSpec,
  textName: string,
  signal?: AbortSignal,
  _options: { labelled?: boolean } = {},
): Promise<Table> {
  await checkFile(spec.path);
  const format = dataFormat(spec.path, spec.format);
  const table =
    format === "jsonl"
      ? await openJsonlTable(spec, signal)
      : await openTextTable(spec, format as TextFormat, textName, signal);
  for await (const _ of table.records([], signal)) return table;
  const oldMac = table.columns.some((name) => /\r(?!\n)/.test(name));
  if (oldMac) throw dataError(spec.path, undefined, "the lines end in a lone CR; convert them to LF");
  const why = `has a header but no rows; if it has no header, ${NAME_COLUMNS}`;
  throw dataError(spec.path, undefined, why, "header");
}

async function openTextTable(
  spec: DataSpec,
  format: TextFormat,
  textName: string,
  signal?: AbortSignal,
): Promise<Table> {
  const { path } = spec;
  const first = await firstRecord(path, format, signal);
  if (first === undefined) throw dataError(path, undefined, "is empty: all of its lines are blank");
  const hasHeader = format !== "txt" && spec.header !== false;
  const columns = hasHeader ? headerNames(spec, first) : positionNames(spec, first, textName);
  checkNames(spec, columns, hasHeader ? first.row : undefined);
  const indexOf = new Map(columns.map((name, i) => [name, i]));

  async function* records(names: readonly string[], signal?: AbortSignal) {
    const indices = names.map((name) => indexOf.get(name)!);
    let skipHeader = hasHeader;
    for await (const batch of readRecords(path, format, signal)) {
      const kept: TableRecord[] = [];
      for (const { row, fields } of batch) {
        if (skipHeader) {
          skipHeader = isBlank({ fields });
          continue;
        }
        if (fields.length !== columns.length) {
          if (isBlank({ fields })) continue;
          if (kept.length > 0) yield kept;
          throw raggedRow(path, format, row, columns.length, fields.length);
        }
        kept.push({ row, cells: indices.map((i) => fields[i]) });
      }
      if (kept.length > 0) yield kept;
    }
  }
  const headerRow = hasHeader ? first.row : undefined;
  const dialect =
    format === "txt" ? {} : { delimiter: format === "csv" ? "," : "\t", quoted: format === "csv" };
  const source: TableSource = {
    container: "plain",
    format,
    encoding: "utf-8",
    ...dialect,
    files: [path],
    notes: [],
  };
  return { path, format, source, headerRow, columns, allColumns: async () => columns, records };
}

/** A blank line; in a file of one column it is an empty text all the same. */
function isBlank({ fields }: Pick<TextRecord, "fields">): boolean {
  return fields.length === 1 && fields[0] === "";
}

function raggedRow(path: string, format: DataFormat, row: number, expected: number, found: number) {
  const remedy =
    format === "tsv"
      ? "remove tabs from the texts, or correct the columns"
      : "quote a field that holds a comma, a quote or a line break";
  return dataError(path, row, `expected ${expected} fields, found ${found}; ${remedy}`);
}

async function* readRecords(
  path: string,
  format: TextFormat,
  signal?: AbortSignal,
): AsyncGenerator<TextRecord[], void, undefined> {
  const chunks = readText(path, signal);
  if (format === "csv") {
    const { readCsv } = await import("./csv.ts"); // a parser that other formats do without
    yield* readCsv(path, chunks);
    return;
  }
  for await (const lines of readLines(path, chunks)) {
    yield lines.map(({ row, text }) => ({ row, fields: format === "tsv" ? text.split("\t") : [text] }));
  }
}

async function firstRecord(
  path: string,
  format: TextFormat,
  signal?: AbortSignal,
): Promise<TextRecord | undefined> {
  for await (const batch of readRecords(path, format, signal)) {
    const first = batch.find((record) => !isBlank(record));
    if (first !== undefined) return first;
  }
  return undefined;
}

function headerNames(spec: DataSpec, first: TextRecord): string[] {
  const names = first.fields.map((name) => name.trim());
  const wanted = spec.columns?.map((name) => name.trim());
  if (
    wanted !== undefined &&
    (wanted.length !== names.length || wanted.some((name, i) => name !== names[i]))
  ) {
    throw dataError(
      spec.path,
      first.row,
      `the header has ${showList(names)}, but \`columns\` has ${showList(wanted)}; ` +
        "if the file has no header, use `header: false`",
      "columns",
    );
  }
  return names;
}

function positionNames(spec: DataSpec, first: TextRecord, textName: string): string[] {
  const found = first.fields.length;
  if (spec.columns === undefined) {
    if (found === 1) return [textName];
    const what = `has ${found} columns and no header; name them in order, for example \`columns: ["text", "labels", "id"]\``;
    throw dataError(spec.path, first.row, what, "columns");
  }
  if (spec.columns.length !== found) {
    const names = showList(spec.columns);
    const what = `expected ${spec.columns.length} fields (${names}), found ${found}; name every column in order`;
    throw dataError(spec.path, first.row, what, "columns");
  }
  return spec.columns.map((name) => name.trim());
}

function checkNames(spec: DataSpec, columns: readonly string[], headerRow: number | undefined): void {
  const seen = new Map<string, number>();
  for (const [i, name] of columns.entries()) {
    const before = seen.get(name);
    seen.set(name, i);
    if (before === undefined) continue;
    const what = `columns ${before + 1} and ${i + 1} are both called ${show(name)}; rename one`;
    if (headerRow !== undefined) throw dataError(spec.path, headerRow, what);
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "columns" });
  }
}

async function openJsonlTable(spec: DataSpec, signal?: AbortSignal): Promise<Table> {
  const { path } = spec;
  if (spec.columns !== undefined || spec.header === false) {
    const option = spec.columns === undefined ? "header" : "columns";
    const what = `${path}: JSON lines name their fields themselves; leave \`${option}\` out`;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option });
  }
  const objects = (signal?: AbortSignal) => readJsonl(path, readText(path, signal));

  async function fieldNames(limit: number, signal?: AbortSignal): Promise<string[]> {
    const names = new Set<string>();
    let left = limit;
    for await (const batch of objects(signal)) {
      for (const { object } of batch.slice(0, left)) for (const name of Object.keys(object)) names.add(name);
      left -= batch.length;
      if (left <= 0) break;
    }
    return [...names];
  }

  async function* records(names: readonly string[], signal?: AbortSignal) {
    for await (const batch of objects(signal)) {
      yield batch.map(({ row, object }) => ({
        row,
        cells: names.map((name) => (Object.hasOwn(object, name) ? object[name] : undefined)),
      }));
    }
  }
  const columns = await fieldNames(JSONL_SAMPLE, signal);
  if (columns.length === 0) throw dataError(path, undefined, "is empty: it has no JSON object with a field");
  return {
    path,
    format: "jsonl",
    source: { container: "plain", format: "jsonl", encoding: "utf-8", files: [path], notes: [] },
    headerRow: undefined,
    columns,
    allColumns: (signal) => fieldNames(Number.POSITIVE_INFINITY, signal),
    records,
  };
}
