import { FinetagError, throwIfAborted } from "../../errors/index.ts";
import type { Table } from "../formats/index.ts";
import { BLANK, notationOf, readShare, saysMissing, UNKNOWN } from "./cell.ts";
import { choicesOf, namesLabel } from "./list.ts";
import { looksLikeLiteral } from "./literal.ts";

export interface FoundCell {
  path: string;
  row: number;
  cell: unknown;
}

/**
 * What the cells of a column may be:
 * - `flags`: 0 and 1 in some notation, with or without blank and unknown cells;
 * - `graded`: numbers from 0 to 1;
 * - `lists`: lists, tuples, sets, arrays or objects, perhaps next to plain cells;
 * - `nearly`: mostly 0 and 1;
 * - `empty`: nothing in any cell;
 * - `other`: anything else.
 */
export type ColumnKind = "flags" | "graded" | "lists" | "nearly" | "empty" | "other";

/** Counts of the cells of a column. */
export class ColumnProfile {
  readonly name: string;
  readonly notations = new Set<string>();
  cells = 0;
  zeros = 0;
  ones = 0;
  graded = 0;
  blanks = 0;
  unknown = 0;
  lists = 0;
  others = 0;
  /** Whether the cells count up by one, as row numbers do. */
  counts = true;
  firstOther: FoundCell | undefined;
  firstGraded: FoundCell | undefined;
  /** The first unknown or blank cell. */
  firstMissing: FoundCell | undefined;
  #last: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  add(path: string, row: number, cell: unknown): void {
    this.cells++;
    const share = readShare(cell);
    if (this.counts) this.#count(cell);
    if (share === 0) this.zeros++;
    else if (share === 1) this.ones++;
    else if (share === BLANK) this.blanks++;
    else if (share === UNKNOWN) this.unknown++;
    else if (share !== undefined) {
      this.graded++;
      this.firstGraded ??= { path, row, cell };
    } else if (isList(cell)) this.lists++;
    else {
      this.others++;
      this.firstOther ??= { path, row, cell };
    }
    if (share === BLANK || share === UNKNOWN) this.firstMissing ??= { path, row, cell };
    else if (share !== undefined && this.notations.size < 3) this.notations.add(notationOf(cell));
  }

  #count(cell: unknown): void {
    const number = typeof cell === "string" && cell !== "" ? Number(cell) : cell;
    const follows = this.#last === undefined ? number === 0 || number === 1 : number === this.#last + 1;
    this.counts = follows;
    if (follows) this.#last = number as number;
  }

  get kind(): ColumnKind {
    const shares = this.zeros + this.ones + this.graded;
    if (this.lists > 0) return "lists";
    if (this.others === 0 && shares + this.unknown === 0) return "empty";
    if (this.others === 0) return this.graded > 0 ? "graded" : "flags";
    return shares > this.others ? "nearly" : "other";
  }
}

/** Whether a cell may list labels. Objects with other things than flags (`meta`) and lists of such objects do not. */
function isList(cell: unknown): boolean {
  if (typeof cell === "string") return looksLikeLiteral(cell);
  if (typeof cell !== "object" || cell === null) return false;
  if (Array.isArray(cell)) return cell.every((item) => !isObject(item) || namesLabel(item));
  if (!isObject(cell)) return true;
  return (
    choicesOf(cell) !== undefined || Object.values(cell).every((value) => readShare(value) !== undefined)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** Enough to tell what a column is; the pass over the rows checks every cell again. */
const SAMPLE_ROWS = 5_000;
const LEAST_ROWS = 100;
const SAMPLE_CELLS = 1_000_000;

/** Profiles of columns: of all rows, or of a sample from the start of the file. */
export async function profileColumns(
  table: Table,
  names: readonly string[],
  extent: "all" | "sample",
  signal?: AbortSignal,
): Promise<ColumnProfile[]> {
  const profiles = names.map((name) => new ColumnProfile(name));
  const limit =
    extent === "all"
      ? Number.POSITIVE_INFINITY
      : Math.max(LEAST_ROWS, Math.min(SAMPLE_ROWS, Math.floor(SAMPLE_CELLS / Math.max(1, names.length))));
  let rows = 0;
  try {
    for await (const batch of table.records(names, signal)) {
      throwIfAborted(signal, table.path);
      for (const { row, cells, path = table.path } of batch) {
        for (let i = 0; i < profiles.length; i++) profiles[i]!.add(path, row, cells[i]);
        if (++rows >= limit) return profiles;
      }
    }
  } catch (error) {
    if (extent === "all" || !isUnusable(error)) throw error;
  }
  return profiles;
}

/** Whether an error is about a row. One that ends a sample is left to the pass that needs the row. */
export function isUnusable(error: unknown): boolean {
  return error instanceof FinetagError && error.code === "ERR_FINETAG_DATA";
}

/** Whether a cell of a column of lists says nothing: a blank one is an empty list, the others are unknown. */
export function isUnknownList(cell: unknown): boolean {
  return (
    saysMissing(cell) || cell === -1 || cell === -1n || (typeof cell === "string" && cell.trim() === "-1")
  );
}
