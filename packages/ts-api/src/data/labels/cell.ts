import type { FinetagError } from "../../errors/index.ts";
import { columnWord, dataError, show } from "../errors.ts";
import type { DataFormat } from "../types.ts";

/** Where a cell is, for messages. */
export interface CellPlace {
  path: string;
  format: DataFormat;
  row: number;
  name: string;
}

/** `column "toxic"` or `field "toxic"`. */
export function columnOf(place: Pick<CellPlace, "format" | "name">): string {
  return `${columnWord(place.format)} ${show(place.name)}`;
}

export function cellError(place: CellPlace, what: string, option?: string): FinetagError {
  return dataError(place.path, place.row, what, option);
}

/** A cell that says that nobody knows: -1, NaN, None, NA. */
export const UNKNOWN = -1;
/** A cell with nothing in it: no characters, null, or an absent field. What that means depends on the column. */
export const BLANK = -2;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Pairs of words for 1 and 0, those of spreadsheets in other languages as well. */
const PAIRS = [
  "true/false",
  "yes/no",
  "t/f",
  "y/n",
  "是/否",
  "wahr/falsch",
  "ja/nein",
  "vrai/faux",
  "oui/non",
  "verdadero/falso",
  "sí/no",
  "si/no",
  "vero/falso",
  "sì/no",
  "verdadeiro/falso",
  "sim/não",
  "waar/onwaar",
  "ja/nee",
  "истина/ложь",
  "да/нет",
];
const YES: ReadonlySet<string> = new Set(PAIRS.map((pair) => pair.split("/")[0]!));
const NO: ReadonlySet<string> = new Set(PAIRS.map((pair) => pair.split("/")[1]!));
const MARKS: ReadonlySet<string> = new Set(["x", "✓", "✔", "√", "✗", "*", "+"]);
const NOTHING: ReadonlySet<string> = new Set(["-", "–", "—"]);
const MISSING = /^(?:nan|none|null|na|n\/a|#n\/a|<na>|nat)$/i;

/**
 * What a cell says of one label: a share in [0, 1] (0 and 1 nearly always), {@link UNKNOWN}, {@link BLANK}, or undefined
 * for anything else. A mark such as x is 1.
 */
export function readShare(cell: unknown): number | undefined {
  if (cell === "0" || cell === 0 || cell === false) return 0;
  if (cell === "1" || cell === 1 || cell === true) return 1;
  if (cell === undefined || cell === null || cell === "") return BLANK;
  if (typeof cell === "number") return shareOf(cell);
  if (typeof cell === "bigint") return shareOf(Number(cell));
  if (typeof cell !== "string") return undefined;
  const text = cell.trim();
  if (text === "") return BLANK;
  if (NUMBER.test(text)) return shareOf(Number(text));
  const word = text.toLowerCase();
  if (YES.has(word) || MARKS.has(word)) return 1;
  if (NO.has(word)) return 0;
  if (NOTHING.has(word)) return BLANK;
  return MISSING.test(text) ? UNKNOWN : undefined;
}

function shareOf(value: number): number | undefined {
  if (value >= 0 && value <= 1) return value;
  return value === -1 || Number.isNaN(value) ? UNKNOWN : undefined;
}

/** Whether a cell is one of the usual words for a value that is not there. `none` in lower case may be a label. */
export function saysMissing(cell: unknown): boolean {
  if (cell === null || cell === undefined || (typeof cell === "number" && Number.isNaN(cell))) return true;
  return typeof cell === "string" && MISSING.test(cell.trim()) && cell.trim() !== "none";
}

const NOTATIONS: ReadonlyMap<string, string> = new Map(
  // The first pair with a word names it.
  PAIRS.toReversed().flatMap((pair) => pair.split("/").map((word) => [word, pair] as const)),
);

/** How a value is written, for the plan: `0/1`, `true/false`, `yes/no`, `x`. */
export function notationOf(cell: unknown): string {
  if (typeof cell === "boolean") return "true/false";
  if (typeof cell !== "string" || cell === "0" || cell === "1") return "0/1";
  const word = cell.trim().toLowerCase();
  return MARKS.has(word) ? word : (NOTATIONS.get(word) ?? "0/1");
}

const INTEGER = /^(?:0|[1-9]\d*)$/;

export function isInteger(value: string): boolean {
  return INTEGER.test(value);
}

/** Whether a text is a number, whole or not. */
export function isNumeric(value: string): boolean {
  return NUMBER.test(value);
}
