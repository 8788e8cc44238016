import type { DataColumns, DataFormat, DataRow } from "../types.ts";
import { BLANK, type CellPlace, cellError, columnOf, readShare, UNKNOWN } from "./cell.ts";
import { LabelIndex, readList, structureOf } from "./list.ts";
import { shareOfEntry } from "./list-profile.ts";
import { isUnknownList } from "./profile.ts";
import { CellRules } from "./rules.ts";
import { splitCell } from "./separator.ts";

type RowLabels = Pick<DataRow, "labels" | "targets" | "unknown">;

/** Reads the labels of a row from its cells, which start at `from`, in the order of `names`. */
export interface LabelReader {
  /** The columns that it needs. */
  names: readonly string[];
  read(path: string, row: number, cells: readonly unknown[], from: number): RowLabels;
}

/** Reads rows whose labels are where `columns` says. */
export function labelReader(
  columns: DataColumns["labels"],
  labels: readonly string[],
  format: DataFormat,
): LabelReader {
  if (columns.kind === "none") return { names: [], read: () => ({ labels: [] }) };
  const rules = new CellRules(columns, columns.kind === "columns");
  if (columns.kind === "columns") return columnsReader(columns.names, rules, format);
  const { column } = columns;
  const place = (path: string, row: number): CellPlace => ({ path, format, row, name: column });
  const read = cellReader(columns, labels, rules);
  return { names: [column], read: (path, row, cells, from) => read(place(path, row), cells[from]) };
}

function columnsReader(names: readonly string[], rules: CellRules, format: DataFormat): LabelReader {
  return {
    names,
    read(path, row, cells, from) {
      const collected = new Collected();
      for (let i = 0; i < names.length; i++) {
        const cell = cells[from + i];
        const share = readShare(cell);
        if (share === 1) collected.add(i, 1);
        else if (share !== 0 || rules.refusesZeros)
          collected.add(i, rules.target({ path, format, row, name: names[i]! }, cell, share));
      }
      return collected.row();
    },
  };
}

type ReadCell = (place: CellPlace, cell: unknown) => RowLabels;

function cellReader(
  columns: Exclude<DataColumns["labels"], { kind: "none" | "columns" }>,
  labels: readonly string[],
  rules: CellRules,
): ReadCell {
  const all = labels.map((_, i) => i);
  /** A row of which nothing is known. */
  const unknown: ReadCell = (place, cell) =>
    rules.unknown(place, cell) === UNKNOWN ? { labels: [], unknown: all } : { labels: [] };
  if (columns.kind === "flags") return flagsReader(columns.separator, labels.length, rules, unknown);
  if (columns.kind === "object") return objectReader(labels, rules, unknown);
  const index = new LabelIndex(labels, columns.values ?? "names");
  return (place, cell) => {
    // A label may be called NA, if a list of labels says so.
    const isLabel = typeof cell === "string" && index.has(cell.trim());
    if (!isLabel && isUnknownList(cell)) return unknown(place, cell);
    return { labels: index.indices(place, readList(place, columns, cell)) };
  };
}

function flagsReader(
  separator: string | undefined,
  count: number,
  rules: CellRules,
  unknown: ReadCell,
): ReadCell {
  return (place, cell) => {
    if (isUnknownList(cell) || (typeof cell === "string" && cell.trim() === "")) return unknown(place, cell);
    const structure = separator === undefined ? structureOf(place, cell) : undefined;
    const entries =
      separator !== undefined && typeof cell === "string" ? splitCell(cell, separator) : structure;
    if (!Array.isArray(entries) || entries.length !== count) {
      const found = Array.isArray(entries) ? `${entries.length} values` : "no list";
      throw cellError(
        place,
        `${columnOf(place)} holds ${found} here; write a 0 or 1 for each of the ${count} labels`,
      );
    }
    const collected = new Collected();
    for (const [i, entry] of entries.entries()) {
      collected.add(i, rules.target(place, entry, shareOfEntry(entry)));
    }
    return collected.row();
  };
}

function objectReader(labels: readonly string[], rules: CellRules, unknown: ReadCell): ReadCell {
  const known = new Set(labels);
  return (place, cell) => {
    const isBlank = isUnknownList(cell) || (typeof cell === "string" && cell.trim() === "");
    const object = isBlank ? undefined : structureOf(place, cell);
    if (isBlank) return unknown(place, cell);
    if (object === undefined || (Array.isArray(object) && object.length > 0)) {
      throw cellError(
        place,
        `${columnOf(place)} holds no object here; write a 0 or 1 for each label by its name`,
      );
    }
    const entries = object as Record<string, unknown>;
    const strange = Object.keys(entries).find((name) => !known.has(name));
    if (strange !== undefined) {
      throw cellError(place, `unknown label ${JSON.stringify(strange)} in ${columnOf(place)}`);
    }
    const collected = new Collected();
    for (const [i, name] of labels.entries()) {
      const value = Object.hasOwn(entries, name) ? entries[name] : undefined;
      const share = value === undefined ? BLANK : readShare(value);
      collected.add(i, rules.target({ ...place, name: `${place.name}.${name}` }, value, share));
    }
    return collected.row();
  };
}

/** The labels of a row as they are read. */
class Collected {
  readonly #labels: number[] = [];
  #targets: number[] | undefined;
  #unknown: number[] | undefined;

  add(label: number, target: number): void {
    if (target === 0) return;
    if (target === UNKNOWN) {
      this.#unknown ??= [];
      this.#unknown.push(label);
      return;
    }
    if (target !== 1) this.#targets ??= this.#labels.map(() => 1);
    this.#labels.push(label);
    this.#targets?.push(target);
  }

  row(): RowLabels {
    return {
      labels: this.#labels,
      ...(this.#targets === undefined ? {} : { targets: this.#targets }),
      ...(this.#unknown === undefined ? {} : { unknown: this.#unknown }),
    };
  }
}
