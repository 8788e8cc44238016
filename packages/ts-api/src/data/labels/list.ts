import { didYouMean, show, showCell, showList } from "../errors.ts";
import type { LabelValues } from "../types.ts";
import { type CellPlace, cellError, columnOf, isInteger } from "./cell.ts";
import { looksLikeLiteral, readLiteral } from "./literal.ts";
import { SEPARATORS, splitCell } from "./separator.ts";

export type ListStyle = { kind: "delimited"; separator: string } | { kind: "json"; separator?: string };

/** Keys under which annotation tools put the labels of a text. */
const CHOICE_KEYS = ["choices", "labels", "taxonomy"];
/** Keys under which lists of objects have a label's name. */
const NAME_KEYS = ["name", "label", "tag", "title"];
const SPAN_KEYS = ["start", "end", "start_offset", "end_offset", "offset"];

/**
 * The list in a cell: text in JSON, Python's or numpy's notation, or a value that is a list or an object already. A list
 * within a list of one (`[[0, 1]]`) is the inner one, and `{"choices": [...]}` is its list.
 *
 * @returns undefined for plain text and numbers
 */
export function structureOf(
  place: CellPlace,
  cell: unknown,
): unknown[] | Record<string, unknown> | undefined {
  let value = cell;
  if (typeof cell === "string") {
    if (!looksLikeLiteral(cell)) return undefined;
    value = readLiteral(cell);
    if (value === undefined) {
      const remedy = 'write a list such as ["a", "b"], or `labelSeparator` if brackets are part of the names';
      throw cellError(place, `${columnOf(place)} holds ${show(cell)}, a list that cannot be read; ${remedy}`);
    }
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return [...(value as unknown as number[])];
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) {
    const object = value as Record<string, unknown>;
    const choices = choicesOf(object);
    return choices === undefined ? object : [choices].flat();
  }
  return value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
}

/** What an annotation tool's object has as its labels. */
export function choicesOf(object: Record<string, unknown>): unknown {
  const key = CHOICE_KEYS.find((name) => Array.isArray(object[name]) || typeof object[name] === "string");
  return key === undefined ? undefined : object[key];
}

/** Whether an object in a list may stand for a label. Spans may, too: they are refused by name. */
export function namesLabel(object: Record<string, unknown>): boolean {
  return NAME_KEYS.some((key) => typeof object[key] === "string");
}

/**
 * The names or ids that a cell lists, as written. White space around them is dropped, and so are empty parts of a
 * delimited cell. Cells that say that nothing is known are not for this function.
 */
export function readList(place: CellPlace, style: ListStyle, cell: unknown): string[] {
  if (style.kind === "delimited" && typeof cell === "string") return splitCell(cell, style.separator);
  const structure = structureOf(place, cell);
  if (structure === undefined) return plainItems(place, style, cell);
  if (Array.isArray(structure)) return structure.map((item) => listItem(place, item));
  const what = `${columnOf(place)} holds ${showCell(cell)}, an object; write a list of labels, or a 0 or 1 for each label`;
  throw cellError(place, what);
}

function plainItems(place: CellPlace, { separator }: ListStyle, cell: unknown): string[] {
  if (typeof cell === "string") {
    if (separator !== undefined) return splitCell(cell, separator);
    return cell.trim() === "" ? [] : [cell.trim()];
  }
  if (typeof cell === "number" || typeof cell === "bigint") return [listItem(place, cell)];
  const what = `${columnOf(place)} holds ${showCell(cell)}, not a list of labels; write [] where none applies`;
  throw cellError(place, what);
}

function listItem(place: CellPlace, item: unknown): string {
  if (typeof item === "string" && item.trim() !== "") return item.trim();
  if (Number.isSafeInteger(item) || typeof item === "bigint") return String(item);
  if (typeof item === "object" && item !== null && !Array.isArray(item)) {
    const object = item as Record<string, unknown>;
    const isSpan = SPAN_KEYS.some((key) => Object.hasOwn(object, key));
    const name = NAME_KEYS.map((key) => object[key]).find((value) => typeof value === "string");
    if (!isSpan && typeof name === "string" && name.trim() !== "") return name.trim();
    if (isSpan) throw cellError(place, spans(place));
  }
  if (Array.isArray(item) && item.length === 3 && typeof item[0] === "number") {
    throw cellError(place, spans(place));
  }
  const what = `${columnOf(place)} lists ${showCell(item)}, neither a label's name nor its id`;
  throw cellError(place, what);
}

function spans(place: CellPlace): string {
  return `${columnOf(place)} marks spans of the text; finetag labels whole texts: export one list of labels for each text`;
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

  has(name: string): boolean {
    return this.values === "names" && this.#indexOf.has(name);
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
      const plain = withoutFraction(item);
      const id = isInteger(plain) ? Number(plain) : Number.NaN;
      if (id < count) return id;
      const what = Number.isNaN(id) ? `${show(item)} is not a label id` : `label id ${item} is out of range`;
      throw cellError(
        place,
        `${what} in ${columnOf(place)}; the ids of the ${count} labels are 0 to ${count - 1}`,
      );
    }
    const index = this.#indexOf.get(item) ?? this.#indexOf.get(withoutFraction(item));
    if (index !== undefined) return index;
    const advice = this.#separatorAdvice(item) || didYouMean(item, this.names);
    const known = advice === "" ? `; the labels are ${showList(this.names)}` : advice;
    throw cellError(place, `unknown label ${show(item)} in ${columnOf(place)}${known}`);
  }

  #separatorAdvice(item: string): string {
    const separator = SEPARATORS.find((candidate) => {
      const parts = splitCell(item, candidate);
      return parts.length > 1 && parts.every((part) => this.#indexOf.has(part));
    });
    return separator === undefined ? "" : `; did you mean \`labelSeparator: ${JSON.stringify(separator)}\`?`;
  }
}

/** `3` for `3.0`, as pandas writes integers in a column with gaps. */
export function withoutFraction(item: string): string {
  return /^\d+\.0$/.test(item) ? item.slice(0, -2) : item;
}

/** A list such as [0,1,0,0] is a row of flags; read as ids it would be silently wrong. */
export function checkNotFlags(place: CellPlace, items: readonly string[]): void {
  const twice = items.find((item, i) => isInteger(item) && items.indexOf(item) !== i);
  if (twice === undefined) return;
  const what = `label id ${twice} is listed twice in ${columnOf(place)}; list the ids that apply, or use \`labelValues: "flags"\` for a 0 or 1 for each label in every row`;
  throw cellError(place, what, "labelValues");
}

/** The order of collected labels: by value where all are integers, else by code point. */
export function sortLabels(names: Iterable<string>): string[] {
  const sorted = [...names];
  if (sorted.every(isInteger)) return sorted.sort((a, b) => Number(a) - Number(b));
  return sorted.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
