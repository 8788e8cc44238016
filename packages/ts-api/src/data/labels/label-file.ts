import { dataError, show, showCell } from "../errors.ts";
import { type Line, readLines, readTextFile } from "../formats/index.ts";

/**
 * Reads a list of label names in their order: one name per line, or all of them in one line with commas
 * between (quoted as in a CSV where a name holds a comma). Blank lines and white space around a name do not
 * count; CRLF, a byte order mark and a last line without an end are fine. Also JSON: a list of names, or an object of names
 * and ids in either order (`label2id`, `id2label`).
 * @throws {FinetagError} ERR_FINETAG_DATA for an empty file or a name that is listed twice, with both lines.
 */
export async function readLabelFile(path: string): Promise<string[]> {
  const lines: Line[] = [];
  for await (const batch of readLines(path, readTextFile(path))) {
    for (const { row, text } of batch) if (text.trim() !== "") lines.push({ row, text: text.trim() });
  }
  const first = lines[0];
  if (first === undefined) throw dataError(path, undefined, "is empty; write one label name per line");
  const listed = /^[[{]/.test(first.text) ? readJson(lines) : undefined;
  const named = listed === undefined ? await readLinesOf(path, lines) : jsonNames(path, listed);

  const seen = new Map<string, number>();
  for (const { row, text } of named) {
    if (text === "") throw dataError(path, row, "an empty label name; write one label name per line");
    const before = seen.get(text);
    if (before !== undefined) {
      const where = before === row ? "" : `, first on line ${before}`;
      throw dataError(path, row, `the label ${show(text)} is listed twice${where}; list each name once`);
    }
    seen.set(text, row);
  }
  return [...seen.keys()];
}

async function readLinesOf(path: string, lines: Line[]): Promise<Line[]> {
  const first = lines[0]!;
  return lines.length === 1 && first.text.includes(",")
    ? await splitNames(path, first)
    : lines.map(withoutQuotes);
}

/** Undefined for lines that only look like JSON: a label may be called `[other]`. */
function readJson(lines: Line[]): object | undefined {
  try {
    return JSON.parse(lines.map(({ text }) => text).join("\n")) as object;
  } catch {
    return undefined;
  }
}

const JSON_REMEDY = 'write a list of names such as ["a", "b"], or an object such as {"a": 0, "b": 1}';

function jsonNames(path: string, json: object): Line[] {
  const names = Array.isArray(json) ? json : namesByIds(path, json);
  return names.map((name: unknown) => {
    if (typeof name === "string") return { row: 1, text: name.trim() };
    throw dataError(path, undefined, `lists ${showCell(name)}, which is not a name; ${JSON_REMEDY}`);
  });
}

/** The names in the order of their ids, which are 0, 1, 2, … */
function namesByIds(path: string, json: object): unknown[] {
  const pairs = Object.entries(json).map(([key, value]): [id: number, name: unknown] =>
    typeof value === "number" ? [value, key] : [Number(key), value],
  );
  const names: unknown[] = [];
  for (const [id, name] of pairs) names[id] = name;
  const isWhole =
    pairs.length > 0 && pairs.every(([id]) => Number.isInteger(id) && id >= 0 && id < pairs.length);
  if (isWhole && Object.keys(names).length === pairs.length) return names;
  throw dataError(
    path,
    undefined,
    `its ids are not 0 to ${Math.max(0, pairs.length - 1)}, each once; ${JSON_REMEDY}`,
  );
}

async function splitNames(path: string, { row, text }: Line): Promise<Line[]> {
  const { parse } = await import("csv-parse/sync");
  let names: string[];
  try {
    names = parse(text, { trim: true })[0] ?? [];
  } catch {
    throw dataError(path, row, "the quotes do not match; write one label name per line");
  }
  return names.map((name) => ({ row, text: name }));
}

/** A list written by a CSV program has quotes around a name with a comma in it. */
function withoutQuotes({ row, text }: Line): Line {
  const quoted = /^"((?:[^"]|"")*)"$/.exec(text);
  return quoted === null ? { row, text } : { row, text: quoted[1]!.replaceAll('""', '"').trim() };
}
