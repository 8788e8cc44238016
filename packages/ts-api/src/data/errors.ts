import { FinetagError, nearest } from "../errors/index.ts";
import type { DataFormat } from "./types.ts";

/** What to do about a file without a header. */
export const NAME_COLUMNS =
  'use `header: false` and name its columns in order, for example `columns: ["text", "labels", "id"]`';

const MAX_SHOWN_NAMES = 20;
const MAX_SHOWN_LENGTH = 60;

/**
 * `path:line: what`, or `path: what` if no line is to blame.
 *
 * @param option The option that fixes it, by its name in TypeScript.
 */
export function dataError(
  path: string,
  line: number | undefined,
  what: string,
  option?: string,
): FinetagError {
  const place = line === undefined ? path : `${path}:${line}`;
  return new FinetagError("ERR_FINETAG_DATA", `${place}: ${what}`, { option });
}

/** A user's string in quotes, on one line, shortened. */
export function show(value: string): string {
  return JSON.stringify(value.length > MAX_SHOWN_LENGTH ? `${value.slice(0, MAX_SHOWN_LENGTH)}…` : value);
}

/** Any cell's value for a message. */
export function showCell(value: unknown): string {
  return typeof value === "string" ? show(value) : show(JSON.stringify(value) ?? "").slice(1, -1);
}

/** `"a", "b" and 12 more`. */
export function showList(names: readonly string[]): string {
  const shown = names.slice(0, MAX_SHOWN_NAMES).map(show).join(", ");
  return names.length > MAX_SHOWN_NAMES ? `${shown} and ${names.length - MAX_SHOWN_NAMES} more` : shown;
}

/** `; did you mean "x"?`, or nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const match = nearest(name, candidates);
  return match === undefined ? "" : `; did you mean ${show(match)}?`;
}

/** The user's word for it: a table has columns, a JSON object has fields. */
export function columnWord(format: DataFormat): "column" | "field" {
  return format === "jsonl" || format === "json" ? "field" : "column";
}
