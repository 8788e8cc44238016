import { FinetagError } from "../../errors/index.ts";
import { columnWord, dataError, didYouMean, show, showCell, showList } from "../errors.ts";
import type { Table } from "../formats/index.ts";
import type { DataColumns, DataSpec, LabelValues, OpenDataOptions } from "../types.ts";
import type { Claims } from "./claims.ts";
import {
  type CellPlace,
  cellError,
  checkNotFlags,
  columnOf,
  flagOf,
  isEmptyList,
  isInteger,
  type ListStyle,
  looksLikeJson,
  readList,
  sortLabels,
} from "./labels.ts";

/** What a column that lists labels is usually called, the likeliest first; compared without case. */
const LIST_NAMES = [
  "labels",
  "label",
  "tags",
  "tag",
  "categories",
  "category",
  "classes",
  "class",
  "topics",
  "topic",
  "genres",
  "emotions",
  "targets",
  "target",
  "标签",
  "类别",
];

/** What has more different values than this is surely not a column of labels. */
const MAX_COLLECTED = 100_000;

const NAME_THEM = "name the 0/1 columns (`labelColumns`) or the column that lists labels (`labelsColumn`)";

interface PlacedCell {
  place: CellPlace;
  cell: unknown;
}

export interface ResolvedLabels {
  columns: DataColumns["labels"];
  labels: string[];
}

/**
 * Finds the labels: where the user says; else where the model's training file had them; else in the columns
 * of the known labels' names; else in a column called labels, tags, …; else in all columns left over, if
 * they hold nothing but 0 and 1.
 */
export async function resolveLabels(
  table: Table,
  spec: DataSpec,
  options: OpenDataOptions,
  claims: Claims,
): Promise<ResolvedLabels> {
  const known = options.labels;
  if (!options.requireLabels) return { columns: { kind: "none" }, labels: known ?? [] };
  if (spec.labelColumns !== undefined && spec.labelsColumn !== undefined) {
    const what = "both `labelColumns` and `labelsColumn` are given; give one of them";
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "labelColumns" });
  }
  if (table.format === "txt") {
    const what = "a .txt file has one text per line and no labels; for a table, set `format` to csv or tsv";
    throw dataError(table.path, undefined, what, "format");
  }
  const saved = options.columns?.labels;
  const resolve = new LabelResolver(table, spec, options, claims);
  if (spec.labelColumns !== undefined) return resolve.flags(spec.labelColumns);
  if (spec.labelsColumn !== undefined) return resolve.list(spec.labelsColumn);
  if (saved?.kind === "columns") return resolve.flags(saved.names);
  if (saved?.kind === "delimited" || saved?.kind === "json") return resolve.list(saved.column);
  if (known?.every((name) => claims.has(name))) return resolve.flags(known);
  const column = claims.guess(LIST_NAMES);
  if (column !== undefined) return resolve.list(column);
  if (known?.some((name) => claims.has(name))) return resolve.flags(known);
  if (known !== undefined) throw resolve.nothingFound();
  return resolve.remaining();
}

class LabelResolver {
  readonly #table: Table;
  readonly #spec: DataSpec;
  readonly #options: OpenDataOptions;
  readonly #claims: Claims;

  constructor(table: Table, spec: DataSpec, options: OpenDataOptions, claims: Claims) {
    this.#table = table;
    this.#spec = spec;
    this.#options = options;
    this.#claims = claims;
  }

  nothingFound(): FinetagError {
    return this.#claims.error(`no labels found; ${NAME_THEM}`, "labelColumns");
  }

  /** One 0/1 column for each label. */
  flags(columns: readonly string[]): ResolvedLabels {
    const known = this.#options.labels ?? columns;
    if (columns.length === 0) {
      const what = "`labelColumns` is empty; name at least one column";
      throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "labelColumns" });
    }
    for (const name of columns) this.#claims.claim("label column", name);
    const { path } = this.#table;
    const knownNames = new Set(known);
    const unknown = columns.find((name) => !knownNames.has(name));
    if (unknown !== undefined) {
      const advice = didYouMean(unknown, known) || `; the labels are ${showList(known)}`;
      throw dataError(path, undefined, `label column ${show(unknown)} is not one of the labels${advice}`);
    }
    const columnNames = new Set(columns);
    const missing = known.find((name) => !columnNames.has(name));
    if (missing !== undefined) {
      const what = `the label ${show(missing)} has no column; the label columns are ${showList(columns)}`;
      throw dataError(path, undefined, what);
    }
    const names = [...known];
    return { columns: { kind: "columns", names }, labels: names };
  }

  /** All columns that nothing else claims, proven to hold 0 and 1 only. */
  async remaining(): Promise<ResolvedLabels> {
    const { path, format } = this.#table;
    const names = this.#claims.unclaimed(await this.#table.allColumns(this.#options.signal));
    if (names.length === 0) throw this.nothingFound();
    for await (const batch of this.#table.records(names, this.#options.signal)) {
      for (const { row, cells } of batch) {
        const at = cells.findIndex((cell) => flagOf(cell) === undefined);
        if (at < 0) continue;
        const column = `${columnWord(format)} ${show(names[at]!)}`;
        const found =
          cells[at] === undefined ? "is missing here" : `holds ${showCell(cells[at])}, neither 0 nor 1`;
        throw dataError(path, row, `cannot tell which columns are labels: ${column} ${found}; ${NAME_THEM}`);
      }
    }
    for (const name of names) this.#claims.claim("label column", name);
    return { columns: { kind: "columns", names }, labels: names };
  }

  /** One column that lists each row's labels. */
  async list(column: string): Promise<ResolvedLabels> {
    this.#claims.claim("labels column", column);
    const first = await this.#firstList(column);
    const style = this.#style(first?.cell);
    const known = this.#options.labels;
    if (known === undefined) {
      const labels = await this.#collect(column, style);
      return { columns: { ...style, column, values: "names" }, labels };
    }
    const values = await this.#values(column, style, known, first);
    if (style.kind === "delimited" && values === "names") {
      const split = known.find((name) => name.includes(style.separator));
      if (split !== undefined) {
        const what = `the label ${show(split)} contains the separator ${show(style.separator)}`;
        const remedy = "use another `labelSeparator`, or write JSON lists";
        throw dataError(this.#table.path, undefined, `${what}; ${remedy}`, "labelSeparator");
      }
    }
    return { columns: { ...style, column, values }, labels: [...known] };
  }

  #style(firstCell: unknown): ListStyle {
    const saved = this.#options.columns?.labels;
    const given = this.#spec.labelSeparator;
    if (given === "") {
      const what = "`labelSeparator` is empty; give a character such as ,";
      throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "labelSeparator" });
    }
    if (given === undefined && looksLikeJson(firstCell)) return { kind: "json" };
    return { kind: "delimited", separator: given ?? (saved?.kind === "delimited" ? saved.separator : ",") };
  }

  async *#cells(column: string): AsyncGenerator<PlacedCell> {
    const { path, format } = this.#table;
    for await (const batch of this.#table.records([column], this.#options.signal)) {
      for (const { row, cells } of batch) {
        yield { place: { path, format, row, name: column }, cell: cells[0] };
      }
    }
  }

  /** The first cell that lists a label. */
  async #firstList(column: string): Promise<PlacedCell | undefined> {
    for await (const placed of this.#cells(column)) if (!isEmptyList(placed.cell)) return placed;
    return undefined;
  }

  /**
   * Whether the column holds names or ids. Only label names that are integers leave it open: then a pass
   * over the training file decides (names where every value is a name), and the model remembers.
   */
  async #values(
    column: string,
    style: ListStyle,
    known: readonly string[],
    first: PlacedCell | undefined,
  ): Promise<LabelValues> {
    if (first === undefined) return "names";
    const names = new Set(known);
    if (!known.some(isInteger)) {
      const value = readList(first.place, style, first.cell)[0];
      return value !== undefined && !names.has(value) && isInteger(value) ? "ids" : "names";
    }
    const saved = this.#options.columns?.labels;
    const isList = saved?.kind === "delimited" || saved?.kind === "json";
    if (isList && saved.values !== undefined) return saved.values;
    for await (const { place, cell } of this.#cells(column)) {
      const stranger = readList(place, style, cell).find((value) => !names.has(value));
      if (stranger !== undefined) return isInteger(stranger) ? "ids" : "names";
    }
    return "names";
  }

  /** Every name in the column, sorted. */
  async #collect(column: string, style: ListStyle): Promise<string[]> {
    const names = new Set<string>();
    for await (const { place, cell } of this.#cells(column)) {
      const items = readList(place, style, cell);
      checkNotFlags(place, items);
      for (const item of items) names.add(item);
      if (names.size > MAX_COLLECTED) {
        const what = `more than ${MAX_COLLECTED} different labels in ${columnOf(place)}`;
        throw cellError(
          place,
          `${what}; name another column (\`labelsColumn\`), or list the labels in a file`,
        );
      }
    }
    if (names.size > 0) return sortLabels(names);
    throw dataError(this.#table.path, undefined, `no row has a label in column ${show(column)}`);
  }
}
