import type { FinetagError } from "../../errors/index.ts";
import { columnWord, dataError, didYouMean, show, showCell, showList } from "../errors.ts";
import type { DataFormat, LabelValues } from "../types.ts";

/** Where a cell is, for messages. */
export interface CellPlace {
  path: string;
  format: DataFormat;
  row: number;
  name: string;
}

export type ListStyle = { kind: "delimited"; separator: string } | { kind: "json" };

/** `column "toxic"` or `field "toxic"`. */
export function columnOf(place: CellPlace): string {
  return `${columnWord(place.format)} ${show(place.name)}`;
}

export function cellError(place: CellPlace, what: string): FinetagError {
  return dataError(place.path, place.row, what);
}

const INTEGER = /^(?:0|[1-9]\d*)$/;
const ZERO = /^\s*0(?:\.0*)?\s*$/;
const ONE = /^\s*1(?:\.0*)?\s*$/;
const OTHER_SEPARATORS = [",", ";", "|", "/", " ", "\t"];

export function isInteger(value: string): boolean {
  return INTEGER.test(value);
}

/** A 0/1 cell: "0", 0, 0.0, false; "1", 1, 1.0, true; undefined for anything else. */
export function flagOf(cell: unknown): 0 | 1 | undefined {
  if (cell === "0" || cell === 0 || cell === false) return 0;
  if (cell === "1" || cell === 1 || cell === true) return 1;
  if (typeof cell !== "string") return undefined;
  return ZERO.test(cell) ? 0 : ONE.test(cell) ? 1 : undefined;
}

/** The 0/1 cell of a label. Throws where it is neither. */
export function readFlag(place: CellPlace, cell: unknown): 0 | 1 {
  const flag = flagOf(cell);
  if (flag !== undefined) return flag;
  if (cell === undefined) throw cellError(place, `no ${columnOf(place)}; write 0 or 1`);
  const what = `label ${showCell(cell)} in ${columnOf(place)} is neither 0 nor 1; write 0 or 1`;
  throw cellError(place, what);
}

/** Whether a cell without a stated separator is a JSON list. */
export function looksLikeJson(cell: unknown): boolean {
  return Array.isArray(cell) || (typeof cell === "string" && /^\s*\[.*\]\s*$/s.test(cell));
}

/** Whether a cell lists no label at all. */
export function isEmptyList(cell: unknown): boolean {
  return Array.isArray(cell) ? cell.length === 0 : typeof cell === "string" && cell.trim() === "";
}

/**
 * The names or ids that a cell lists, as written. White space around them is dropped, and so are empty
 * parts of a delimited cell.
 */
export function readList(place: CellPlace, style: ListStyle, cell: unknown): string[] {
  const fail = (what: string) => cellError(place, what);
  if (cell === undefined) throw fail(`no ${columnOf(place)}; write [] where no label applies`);
  if (Array.isArray(cell)) return cell.map((item) => listItem(place, item));
  if (typeof cell === "number") return [listItem(place, cell)];
  if (typeof cell !== "string") {
    throw fail(
      `${columnOf(place)} holds ${showCell(cell)}, not a list of labels; write [] where none applies`,
    );
  }
  if (style.kind === "delimited") {
    return cell
      .split(style.separator)
      .map((item) => item.trim())
      .filter((item) => item !== "");
  }
  if (cell.trim() === "") return [];
  let list: unknown;
  try {
    list = JSON.parse(cell);
  } catch {}
  if (Array.isArray(list)) return list.map((item) => listItem(place, item));
  const python = /^\s*\[\s*'/.test(cell) ? " (Python's single quotes are not JSON)" : "";
  throw fail(`${columnOf(place)} holds ${show(cell)}, not a JSON list such as ["a","b"]${python}`);
}

function listItem(place: CellPlace, item: unknown): string {
  if (typeof item === "string" && item.trim() !== "") return item.trim();
  if (Number.isSafeInteger(item)) return String(item);
  const what = `${columnOf(place)} lists ${showCell(item)}, neither a label's name nor its id`;
  throw cellError(place, what);
}

/** Turns what `readList` gives into indices of the label list. */
export class LabelIndex {
  readonly names: readonly string[];
  readonly values: LabelValues;
  readonly #indexOf: Map<string, number>;

  constructor(names: readonly string[], values: LabelValues) {
    this.names = names;
    this.values = values;
    this.#indexOf = new Map(names.map((name, i) => [name, i]));
  }

  /** Ascending indices. Throws at an unknown label; a name may come twice, an id may not. */
  indices(place: CellPlace, items: readonly string[]): number[] {
    const found = items.map((item) => this.#index(place, item));
    if (found.length < 2) return found;
    found.sort((a, b) => a - b);
    for (let i = 1; i < found.length; i++) {
      if (found[i] !== found[i - 1]) continue;
      checkNotFlags(place, items);
      return [...new Set(found)];
    }
    return found;
  }

  #index(place: CellPlace, item: string): number {
    const count = this.names.length;
    if (this.values === "ids") {
      const id = isInteger(item) ? Number(item) : Number.NaN;
      if (id < count) return id;
      const what = Number.isNaN(id) ? `${show(item)} is not a label id` : `label id ${item} is out of range`;
      throw cellError(
        place,
        `${what} in ${columnOf(place)}; the ids of the ${count} labels are 0 to ${count - 1}`,
      );
    }
    const index = this.#indexOf.get(item);
    if (index !== undefined) return index;
    const advice = this.#separatorAdvice(item) || didYouMean(item, this.names);
    const known = advice === "" ? `; the labels are ${showList(this.names)}` : advice;
    throw cellError(place, `unknown label ${show(item)} in ${columnOf(place)}${known}`);
  }

  #separatorAdvice(item: string): string {
    const separator = OTHER_SEPARATORS.find((candidate) => {
      const parts = item.split(candidate);
      return parts.length > 1 && parts.every((part) => this.#indexOf.has(part.trim()));
    });
    return separator === undefined ? "" : `; did you mean \`labelSeparator: ${JSON.stringify(separator)}\`?`;
  }
}

/** A list such as [0,1,0,0] is a row of flags; read as ids it would be silently wrong. */
export function checkNotFlags(place: CellPlace, items: readonly string[]): void {
  const twice = items.find((item, i) => isInteger(item) && items.indexOf(item) !== i);
  if (twice === undefined) return;
  const what = `label id ${twice} is listed twice in ${columnOf(place)}; list the ids that apply, not a 0 or 1 for each label`;
  throw cellError(place, what);
}

/** The order of collected labels: by value where all are integers, else by code point. */
export function sortLabels(names: Iterable<string>): string[] {
  const sorted = [...names];
  if (sorted.every(isInteger)) return sorted.sort((a, b) => Number(a) - Number(b));
  return sorted.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
