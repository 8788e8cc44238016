import { dataError, show } from "../errors.ts";
import { type Line, readLines, readTextFile } from "../formats/index.ts";

/**
 * Reads a list of label names in their order: one name per line, or all of them in one line with commas
 * between (quoted as in a CSV where a name holds a comma). Blank lines and white space around a name do not
 * count; CRLF, a byte order mark and a last line without an end are fine.
 * @throws {FinetagError} ERR_FINETAG_DATA for an empty file or a name that is listed twice, with both lines.
 */
export async function readLabelFile(path: string): Promise<string[]> {
  const lines: Line[] = [];
  for await (const batch of readLines(path, readTextFile(path))) {
    for (const { row, text } of batch) if (text.trim() !== "") lines.push({ row, text: text.trim() });
  }
  const first = lines[0];
  if (first === undefined) throw dataError(path, undefined, "is empty; write one label name per line");
  if (/^[[{]/.test(first.text)) throw dataError(path, first.row, "is JSON; write one label name per line");
  const oneLine = lines.length === 1 && first.text.includes(",");
  const named = oneLine ? await splitNames(path, first) : lines.map(withoutQuotes);

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
