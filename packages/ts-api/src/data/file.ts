import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { showCell } from "./errors.ts";
import { openTable, type Table } from "./formats/index.ts";
import {
  type CellPlace,
  cellError,
  columnOf,
  labelReader,
  type ResolvedColumns,
  resolveColumns,
  similarNames,
} from "./labels/index.ts";
import { findRepeatedTexts, mergeRows } from "./merge.ts";
import type {
  DataColumns,
  DataFile,
  DataFormat,
  DataPlan,
  DataRow,
  DataSpec,
  OpenDataOptions,
  TableSource,
} from "./types.ts";

/**
 * Opens a data file: reads its header, determines each column's role and the list of labels. If the labels are unknown,
 * or the label columns have to be guessed, this takes one pass over the file.
 *
 * Label order: the given one; else that of the 0/1 columns in the file (or in `labelColumns`); else, for labels collected
 * from lists, sorted: numerically if all are integers, otherwise by code point, so that it does not depend on the order of
 * the rows.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA for an unusable file, in one line with path and line
 *   number; ERR_FINETAG_ARGUMENT for a `spec` that contradicts itself; ERR_FINETAG_IO; ERR_FINETAG_ABORTED.
 */
export async function openData(spec: DataSpec, options: OpenDataOptions): Promise<DataFile> {
  checkLabels(options.labels);
  const textName = spec.textColumn ?? options.columns?.text ?? "text";
  const table = await openTable(spec, textName, options.signal, { labelled: options.requireLabels });
  const resolved = await resolveColumns(table, spec, options);
  const file = new OpenedFile(table, resolved);
  // What the training file decides holds for the others, which are not asked again.
  if (!options.requireLabels || options.columns !== undefined) return file;
  for (const what of similarNames(resolved.labels)) file.warn(what);
  if (resolved.columns.mergeDuplicates === undefined) await warnOfRepeatedTexts(file, options.signal);
  return file;
}

async function warnOfRepeatedTexts(file: OpenedFile, signal: AbortSignal | undefined): Promise<void> {
  // An unusable row is an error of the pass that needs it.
  const found = await findRepeatedTexts(file.rows(signal)).catch((error: unknown) => {
    throwIfAborted(signal, file.path);
    if (error instanceof FinetagError) return undefined;
    throw error;
  });
  if (found === undefined) return;
  const [first, second] = found.rows;
  const come = found.texts === 1 ? "1 text comes" : `${found.texts} texts come`;
  file.warn(
    `${come} on several rows with different labels (such as on lines ${first} and ${second}); ` +
      "use `mergeDuplicates: true` if the rows are one text with all of these labels",
  );
}

function checkLabels(labels: readonly string[] | undefined): void {
  if (labels === undefined) return;
  const seen = new Set<string>();
  for (const name of labels) {
    if (typeof name !== "string" || name === "" || seen.has(name)) {
      const what = typeof name === "string" && name !== "" ? "twice" : "which is not a name";
      const message = `the list of labels has ${showCell(name)} ${what}; name each label once`;
      throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "labels" });
    }
    seen.add(name);
  }
  if (seen.size === 0) {
    const message = "the list of labels is empty; name at least one";
    throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "labels" });
  }
}

class OpenedFile implements DataFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly columns: DataColumns;
  readonly layout: DataFile["layout"];
  readonly labels: string[];
  readonly #decision: Pick<DataPlan, "shape" | "unused" | "unusedLabels" | "warnings">;
  readonly #notes: readonly string[];
  #emptyTexts = 0;
  #unlabeledRows = 0;
  #mergedRows = 0;
  readonly #table: Table;

  constructor(
    table: Table,
    { columns, labels, shape, notes, unused, unusedLabels, warnings }: ResolvedColumns,
  ) {
    this.path = table.path;
    this.format = table.format;
    this.columns = columns;
    this.layout = { header: table.headerRow !== undefined, names: table.columns };
    this.labels = labels;
    this.#table = table;
    this.#decision = { shape, unused, unusedLabels, warnings };
    this.#notes = notes;
  }

  /** Adds a warning to the plan. */
  warn(what: string): void {
    this.#decision.warnings.push(`${this.path}: ${what}`);
  }

  get plan(): DataPlan {
    const { source } = this.#table;
    return {
      path: this.path,
      format: this.format,
      container: source.container,
      encoding: source.encoding,
      ...(source.delimiter === undefined ? {} : { delimiter: source.delimiter }),
      columns: this.columns,
      labels: this.labels,
      ...this.#decision,
      notes: [...source.notes, ...this.#notes],
    };
  }

  get source(): TableSource {
    return this.#table.source;
  }

  get emptyTexts(): number {
    return this.#emptyTexts;
  }

  get unlabeledRows(): number {
    return this.#unlabeledRows;
  }

  get mergedRows(): number {
    return this.#mergedRows;
  }

  async *rows(signal?: AbortSignal): AsyncGenerator<DataRow, void, undefined> {
    this.#mergedRows = 0;
    if (this.columns.mergeDuplicates === undefined) yield* this.#eachRow(signal);
    else yield* this.#merged(signal);
  }

  async *#merged(signal: AbortSignal | undefined): AsyncGenerator<DataRow, void, undefined> {
    const merged = mergeRows(
      () => this.#eachRow(signal),
      () => this.#mergedRows++,
    );
    let empty = 0;
    for await (const row of merged) {
      if (!/\S/.test(row.text)) empty++;
      yield row;
    }
    this.#emptyTexts = empty;
  }

  async *#eachRow(signal?: AbortSignal): AsyncGenerator<DataRow, void, undefined> {
    const { text, textPair, id } = this.columns;
    const names = [text];
    const pairAt = textPair === undefined ? -1 : names.push(textPair) - 1;
    const idAt = id === undefined ? -1 : names.push(id) - 1;
    const labelsFrom = names.length;
    const reader = labelReader(this.columns.labels, this.labels, this.format);

    this.#emptyTexts = 0;
    this.#unlabeledRows = 0;
    for await (const batch of this.#table.records([...names, ...reader.names], signal)) {
      for (const { row, cells, path = this.path } of batch) {
        const data: DataRow = { row, text: this.#text(path, row, text, cells[0]), labels: [] };
        if (pairAt >= 0) data.textPair = this.#text(path, row, textPair!, cells[pairAt]);
        if (idAt >= 0) data.id = this.#id(path, row, id!, cells[idAt]);
        const { labels, targets, unknown } = reader.read(path, row, cells, labelsFrom);
        if (unknown !== undefined && unknown.length === this.labels.length) {
          this.#unlabeledRows++;
          continue;
        }
        data.labels = labels;
        if (targets !== undefined) data.targets = targets;
        if (unknown !== undefined) data.unknown = unknown;
        if (!/\S/.test(data.text)) this.#emptyTexts++;
        throwIfAborted(signal, this.path);
        yield data;
      }
    }
  }

  #place(path: string, row: number, name: string): CellPlace {
    return { path, format: this.format, row, name };
  }

  #text(path: string, row: number, name: string, cell: unknown): string {
    // Only an escape or a binary format can have half of a surrogate pair, which no tokenizer can encode.
    const isWellFormed = typeof cell === "string" && (this.#isText || !/\p{Surrogate}/u.test(cell));
    if (isWellFormed) return cell;
    const place = this.#place(path, row, name);
    if (cell === undefined) throw cellError(place, `no ${columnOf(place)}; each row needs a text`);
    const kind = typeof cell === "string" ? "half of a surrogate pair; remove it" : "not a string";
    throw cellError(place, `${columnOf(place)} holds ${showCell(cell)}, ${kind}`);
  }

  get #isText(): boolean {
    return this.format === "csv" || this.format === "tsv" || this.format === "txt";
  }

  /** An empty id counts as no id. */
  #id(path: string, row: number, name: string, cell: unknown): string | undefined {
    if (cell === undefined || cell === null || cell === "") return undefined;
    if (typeof cell === "string") return cell;
    if (Number.isSafeInteger(cell) || typeof cell === "bigint") return String(cell);
    const place = this.#place(path, row, name);
    throw cellError(place, `${columnOf(place)} holds ${showCell(cell)}; write the id as a string`);
  }
}
