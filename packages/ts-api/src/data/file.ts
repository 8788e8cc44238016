import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { showCell } from "./errors.ts";
import { openTable, type Table } from "./formats/index.ts";
import {
  type CellPlace,
  cellError,
  columnOf,
  LabelIndex,
  type ListStyle,
  readFlag,
  readList,
  resolveColumns,
} from "./labels/index.ts";
import type {
  DataColumns,
  DataFile,
  DataFormat,
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
  const { columns, labels } = await resolveColumns(table, spec, options);
  return new OpenedFile(table, columns, labels);
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

type ReadLabels = (row: number, cells: readonly unknown[], from: number) => number[];

class OpenedFile implements DataFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly columns: DataColumns;
  readonly layout: DataFile["layout"];
  readonly labels: string[];
  #emptyTexts = 0;
  readonly #table: Table;

  constructor(table: Table, columns: DataColumns, labels: string[]) {
    this.path = table.path;
    this.format = table.format;
    this.columns = columns;
    this.layout = { header: table.headerRow !== undefined, names: table.columns };
    this.labels = labels;
    this.#table = table;
  }

  get source(): TableSource {
    return this.#table.source;
  }

  get emptyTexts(): number {
    return this.#emptyTexts;
  }

  async *rows(signal?: AbortSignal): AsyncGenerator<DataRow, void, undefined> {
    const { text, textPair, id } = this.columns;
    const names = [text];
    const pairAt = textPair === undefined ? -1 : names.push(textPair) - 1;
    const idAt = id === undefined ? -1 : names.push(id) - 1;
    const labelsFrom = names.length;
    const { labelColumns, readLabels } = this.#labelReader();

    this.#emptyTexts = 0;
    for await (const batch of this.#table.records([...names, ...labelColumns], signal)) {
      for (const { row, cells } of batch) {
        const data: DataRow = { row, text: this.#text(row, text, cells[0]), labels: [] };
        if (pairAt >= 0) data.textPair = this.#text(row, textPair!, cells[pairAt]);
        if (idAt >= 0) data.id = this.#id(row, id!, cells[idAt]);
        data.labels = readLabels(row, cells, labelsFrom);
        if (!/\S/.test(data.text)) this.#emptyTexts++;
        throwIfAborted(signal, this.path);
        yield data;
      }
    }
  }

  #place(row: number, name: string): CellPlace {
    return { path: this.path, format: this.format, row, name };
  }

  #text(row: number, name: string, cell: unknown): string {
    // Only a JSON escape can produce half of a surrogate pair, which no tokenizer can encode.
    const isText = typeof cell === "string" && !(this.format === "jsonl" && /\p{Surrogate}/u.test(cell));
    if (isText) return cell;
    const place = this.#place(row, name);
    if (cell === undefined) throw cellError(place, `no ${columnOf(place)}; each row needs a text`);
    const kind = typeof cell === "string" ? "half of a surrogate pair; remove it" : "not a string";
    throw cellError(place, `${columnOf(place)} holds ${showCell(cell)}, ${kind}`);
  }

  #id(row: number, name: string, cell: unknown): string | undefined {
    if (typeof cell === "string") return cell;
    if (cell === undefined || cell === null) return undefined;
    if (Number.isSafeInteger(cell)) return String(cell);
    const place = this.#place(row, name);
    throw cellError(place, `${columnOf(place)} holds ${showCell(cell)}; write the id as a string`);
  }

  #labelReader(): { labelColumns: string[]; readLabels: ReadLabels } {
    const labels = this.columns.labels;
    if (labels.kind === "none") return { labelColumns: [], readLabels: () => [] };
    if (labels.kind === "columns") {
      const names = labels.names;
      const readLabels: ReadLabels = (row, cells, from) => {
        const found: number[] = [];
        for (let i = 0; i < names.length; i++) {
          const cell = cells[from + i];
          if (cell === "0") continue;
          if (cell === "1" || readFlag(this.#place(row, names[i]!), cell) === 1) found.push(i);
        }
        return found;
      };
      return { labelColumns: names, readLabels };
    }
    const style: ListStyle = labels;
    const index = new LabelIndex(this.labels, labels.values ?? "names");
    const readLabels: ReadLabels = (row, cells, from) => {
      const place = this.#place(row, labels.column);
      return index.indices(place, readList(place, style, cells[from]));
    };
    return { labelColumns: [labels.column], readLabels };
  }
}
