import { throwIfAborted } from "../../errors/index.ts";
import { showCell } from "../errors.ts";
import type { Table } from "../formats/index.ts";
import { BLANK, type CellPlace, cellError, columnOf, isNumeric, readShare, UNKNOWN } from "./cell.ts";
import { readList, structureOf } from "./list.ts";
import { isUnknownList, isUnusable } from "./profile.ts";
import { splitCell } from "./separator.ts";

/** What has more different values than this is surely not a column of labels. */
export const MAX_COLLECTED = 100_000;
/** In all texts that are kept: memory is bounded, however long cells are. */
const MAX_CHARACTERS = 16_000_000;
const SAMPLE_ROWS = 5_000;

export interface PlacedCell {
  place: CellPlace;
  cell: unknown;
}

/** All cells of a column, with their places. */
export async function* cellsOf(
  table: Table,
  column: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<PlacedCell> {
  for await (const batch of table.records([column], signal)) {
    throwIfAborted(signal, table.path);
    for (const { row, cells, path = table.path } of batch) {
      yield { place: { path, format: table.format, row, name: column }, cell: cells[0] };
    }
  }
}

/** The share that an entry of a list says, if it can be one; letters are names here. */
export function shareOfEntry(entry: unknown): number | undefined {
  if (typeof entry === "string" && !isNumeric(entry.trim()) && !/^\s*(?:true|false|nan)\s*$/i.test(entry)) {
    return undefined;
  }
  const share = readShare(entry);
  return share === BLANK ? (entry === null ? UNKNOWN : undefined) : share;
}

/** `[other]`: brackets around a name without quotes. */
const BARE = /^\s*\[[^[\](){},'"\d]+\]\s*$/;

/** A row of shares: their number, and whether it can be nothing else. */
class ShareRows {
  /** Undefined before the first row, 0 once rows differ in length or have something else. */
  length: number | undefined;
  /** Whether a row repeats a value, has fractions, true or false: ids would not. */
  isCertain = false;

  add(entries: readonly unknown[]): void {
    const shares = entries.map(shareOfEntry);
    const fits = shares.length > 0 && shares.every((share) => share !== undefined);
    const { length } = shares;
    this.length = fits && (this.length ?? length) === length ? length : 0;
    if (!fits) return;
    const known = shares.filter((share) => share !== UNKNOWN);
    this.isCertain ||= new Set(known).size < known.length;
    this.isCertain ||= entries.some(
      (entry, i) =>
        typeof entry === "boolean" || (shares[i]! > 0 && shares[i]! < 1) || String(entry).includes("."),
    );
  }
}

/** What the cells of a column that holds a row's labels are, all together. */
export class ListProfile {
  /** Different texts that are no lists, with the place of the first. */
  readonly plain = new Map<string, CellPlace>();
  /** Names and ids in lists. */
  readonly items = new Set<string>();
  /** Keys of objects in the order in which they came. */
  readonly keys = new Set<string>();
  readonly listRows = new ShareRows();
  rows = 0;
  lists = 0;
  objects = 0;
  /** Zeros in objects. */
  zeros = 0;
  isWhole = true;
  /** Whether there are more different texts than `plain` holds. */
  isFull = false;
  firstUnknown: PlacedCell | undefined;
  firstList: PlacedCell | undefined;
  firstObject: PlacedCell | undefined;
  /** About the first entry of a list that is neither a name nor an id. */
  badItem: unknown;
  /** About the first entry of an object that is neither 0 nor 1. */
  badEntry: unknown;

  #characters = 0;
  /** Different names in brackets and nothing else: such a cell is a list only if there are others. */
  readonly #bare = new Map<string, PlacedCell>();

  add(placed: PlacedCell): void {
    const { place, cell } = placed;
    this.rows++;
    if (typeof cell === "string" && BARE.test(cell) && this.#bare.size < MAX_COLLECTED) {
      const text = cell.trim();
      if (!this.#bare.has(text)) this.#bare.set(text, placed);
      return;
    }
    if (isUnknownList(cell)) {
      this.firstUnknown ??= placed;
      return;
    }
    const structure = structureOf(place, cell);
    if (structure === undefined) this.#addPlain(place, cell);
    else if (Array.isArray(structure)) this.#addList(placed, structure);
    else this.#addObject(placed, structure);
  }

  /** To be called after the last cell. */
  settle(): void {
    const areNames = this.lists === 0 && this.plain.size > 0;
    for (const placed of this.#bare.values()) {
      const list = areNames ? undefined : structureOf(placed.place, placed.cell);
      if (Array.isArray(list)) this.#addList(placed, list);
      else this.#addPlain(placed.place, placed.cell);
    }
  }

  #addPlain(place: CellPlace, cell: unknown): void {
    const text =
      typeof cell === "string" ? cell.trim() : readList(place, { kind: "json" }, fraction(cell))[0]!;
    if (text === "" || this.plain.has(text)) return;
    this.#characters += text.length;
    if (this.plain.size < MAX_COLLECTED && this.#characters < MAX_CHARACTERS) this.plain.set(text, place);
    else this.isFull = true;
  }

  #addList(placed: PlacedCell, list: unknown[]): void {
    if (list.length === 0) return;
    this.lists++;
    this.firstList ??= placed;
    this.listRows.add(list);
    if (this.badItem !== undefined) return;
    try {
      for (const item of readList(placed.place, { kind: "json" }, list)) this.items.add(item);
    } catch (error) {
      this.badItem = error;
    }
  }

  #addObject(placed: PlacedCell, object: Record<string, unknown>): void {
    this.objects++;
    this.firstObject ??= placed;
    for (const [key, value] of Object.entries(object)) {
      const share = readShare(value);
      if (share === undefined) {
        const what = `the entry ${showCell(key)} in ${columnOf(placed.place)} is ${showCell(value)}, neither 0 nor 1`;
        this.badEntry ??= cellError(
          placed.place,
          `${what}; finetag reads lists of labels, and objects with a 0 or 1 for each`,
        );
      }
      if (share === 0) this.zeros++;
      this.keys.add(key);
    }
  }

  /** How the plain cells are rows of shares, if they are: their separator and number. */
  flagsOfPlain(): { separator: string; count: number; isCertain: boolean } | undefined {
    if (this.plain.size === 0) return undefined;
    for (const separator of [" ", ",", ";", "|", "\t", "/", "#"]) {
      const rows = new ShareRows();
      for (const cell of this.plain.keys()) {
        rows.add(splitCell(cell, separator));
        if (rows.length === 0 || rows.length === 1) break;
      }
      const { length, isCertain } = rows;
      if (length !== undefined && length > 1) return { separator, count: length, isCertain };
    }
    return undefined;
  }

  /** Cells such as 010, of which nobody can tell whether they are names. */
  get looksLikeBits(): boolean {
    const cells = [...this.plain.keys()];
    const length = cells[0]?.length ?? 0;
    return (
      length > 1 &&
      cells.every((cell) => cell.length === length && /^[01]+$/.test(cell)) &&
      cells.some((cell) => cell.startsWith("0"))
    );
  }
}

/** Numbers with a fraction are texts until it is known what they are. */
function fraction(cell: unknown): unknown {
  return typeof cell === "number" && !Number.isSafeInteger(cell) ? String(cell) : cell;
}

/** Looks at all cells, or at a sample from the start. */
export async function profileList(
  table: Table,
  column: string,
  extent: "all" | "sample",
  signal: AbortSignal | undefined,
): Promise<ListProfile> {
  const profile = new ListProfile();
  let isReading = true;
  try {
    for await (const placed of cellsOf(table, column, signal)) {
      isReading = false;
      profile.add(placed);
      isReading = true;
      if (extent === "all" || profile.rows < SAMPLE_ROWS) continue;
      profile.isWhole = false;
      break;
    }
  } catch (error) {
    if (extent === "all" || !isReading || !isUnusable(error)) throw error;
    profile.isWhole = false;
  }
  profile.settle();
  return profile;
}
