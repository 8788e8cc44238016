import { dataError, showList } from "../../errors.ts";
import { shellPath } from "../container/index.ts";

/**
 * Where the rows of a JSON file are.
 * - `lines`: one object a line;
 * - `sequence`: objects one after the other, over several lines;
 * - `array`: the elements of the array, or of the one below `key`;
 * - `values`: the values of the object, by their ids (pandas' `orient="index"`), or of the one below `key`;
 * - `columns`: an object of columns, each an object by ids or an array (pandas' default), or pandas' `orient="split"`.
 */
export type JsonLayout =
  | { kind: "lines" }
  | { kind: "sequence" }
  | { kind: "array"; key?: string }
  | { kind: "values"; key?: string }
  | { kind: "columns" };

/** Keys under which rows usually are, where there are several arrays. */
const USUAL_KEYS = [
  "data",
  "rows",
  "records",
  "examples",
  "items",
  "instances",
  "samples",
  "documents",
  "results",
];

/** What a row calls its text: an object with such a field is one row. */
const TEXT_FIELDS = ["text", "sentence", "content", "comment", "comment_text", "review", "文本", "内容"];

type Kind = "objects" | "arrays" | "scalars" | "object of objects" | "object of scalars" | "scalar";

/**
 * Tells the layout from the start of a file.
 * @param text The start, decoded; `whole` if there is no more.
 * @param textName What the text column is called, if it is known.
 * @returns undefined where the file does not begin as JSON with rows.
 * @throws {FinetagError} ERR_FINETAG_DATA for JSON with rows under several keys, or with rows that have no names.
 */
export function jsonLayout(
  path: string,
  text: string,
  { whole, textName }: { whole: boolean; textName: string },
): JsonLayout | undefined {
  const start = text.search(/\S/);
  if (text[start] === "[") {
    const kind = arrayKind(text, start + 1);
    if (kind === "objects") return { kind: "array" };
    const what = kind === "arrays" ? "arrays without names" : "no objects";
    const remedy = 'write an array of objects (in pandas, to_json("data.json", orient="records"))';
    throw dataError(path, 1, `is a JSON array of ${what}; ${remedy}`);
  }
  if (text[start] !== "{") return undefined;

  const lines = text
    .slice(start)
    .split(/\r?\n|\r/)
    .filter((line) => line.trim() !== "");
  const [first, second] = lines as [string, string | undefined];
  if (second !== undefined && isObject(first)) return { kind: "lines" };
  const isWrongLine = second !== undefined && /\}\s*$/.test(first) && /^\s*\{/.test(second);
  if (isWrongLine) return { kind: "lines" }; // the reader will say what is wrong with it
  const layout = objectLayout(path, text, start, [textName, ...TEXT_FIELDS]);
  return layout.kind === "sequence" && second === undefined && whole ? { kind: "lines" } : layout;
}

function isObject(line: string): boolean {
  try {
    return typeof JSON.parse(line) === "object";
  } catch {
    return false;
  }
}

function objectLayout(path: string, text: string, start: number, textFields: string[]): JsonLayout {
  const { entries, closed } = topEntries(text, start + 1);
  const keysOf = (wanted: Kind) => entries.filter(({ kind }) => kind === wanted).map(({ key }) => key);
  const isRow = keysOf("scalar").some((key) => textFields.includes(key));
  if (isRow || (closed >= 0 && /^\s*\{/.test(text.slice(closed + 1)))) return { kind: "sequence" };

  const lists = keysOf("objects");
  if (lists.length > 0) return { kind: "array", key: oneKey(path, lists) };
  const isSplit = keysOf("arrays").includes("data") && keysOf("scalars").includes("columns");
  const hasLists = entries.length > 1 && entries.every(({ kind }) => kind === "scalars" || kind === "arrays");
  if (isSplit || hasLists) return { kind: "columns" };

  const nested = keysOf("object of objects");
  const isNumber = (key: string | undefined) => key !== undefined && /^\d+$/.test(key);
  if (entries.length > 0 && entries.every(({ kind }) => kind.startsWith("object"))) {
    if (entries.some(({ key }) => textFields.includes(key))) return { kind: "columns" };
    if (entries.length === 1 && nested.length === 1) return { kind: "values", key: nested[0]! };
    const haveIds = entries.every(({ firstKey }) => isNumber(firstKey));
    if (!haveIds || entries.every(({ key }) => isNumber(key))) return { kind: "values" };
    if (nested.length === 0) return { kind: "columns" };
  }
  return nested.length > 0 ? { kind: "values", key: oneKey(path, nested) } : { kind: "sequence" };
}

function oneKey(path: string, keys: readonly string[]): string {
  if (keys.length === 1) return keys[0]!;
  const usual = keys.filter((key) => USUAL_KEYS.includes(key));
  if (usual.length === 1) return usual[0]!;
  const key = keys[0]!;
  const command = /^\w+$/.test(key) ? ` (jq .${key} ${shellPath(path)} > ${key}.json)` : "";
  throw dataError(path, 1, `has rows under ${showList(keys)}; save each as a file of its own${command}`);
}

/** What the first element of an array is. */
function arrayKind(text: string, from: number): Kind {
  const char = text.slice(from, from + 65536).match(/\S/)?.[0];
  return char === "{" ? "objects" : char === "[" ? "arrays" : "scalars";
}

interface TopEntry {
  key: string;
  kind: Kind;
  /** Of an object: its first key. */
  firstKey?: string;
}

/** The keys of an object and what is below them; `closed` is where it ends, or -1. */
function topEntries(text: string, from: number): { entries: TopEntry[]; closed: number } {
  const entries: TopEntry[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;
  token.lastIndex = from;
  let depth = 1;
  let last = "";
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [found] = match;
    if (found === "{" || found === "[") depth++;
    else if (found === "}" || found === "]") {
      depth--;
      if (depth === 0) return { entries, closed: match.index };
    } else if (found === ":" && depth === 1)
      entries.push({ key: keyOf(last), ...kindAt(text, token.lastIndex) });
    last = found;
  }
  return { entries, closed: -1 };
}

function keyOf(quoted: string): string {
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}

function kindAt(text: string, from: number): { kind: Kind; firstKey?: string } {
  const value = /\s*(\S)\s*(?:("(?:[^"\\]|\\.)*")\s*:\s*(\S))?/y;
  value.lastIndex = from;
  const match = value.exec(text);
  if (match?.[1] === "[") return { kind: arrayKind(text, text.indexOf("[", from) + 1) };
  if (match?.[1] !== "{") return { kind: "scalar" };
  const kind = match[3] === "{" ? "object of objects" : "object of scalars";
  return { kind, ...(match[2] === undefined ? {} : { firstKey: keyOf(match[2]) }) };
}
