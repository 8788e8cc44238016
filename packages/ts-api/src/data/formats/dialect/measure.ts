import type { LineEnd } from "./line-end.ts";

/** What the start of a file looks like, read with one delimiter. */
export interface Measure {
  /** The fields of the first record that is not blank. */
  header: string[];
  /** How many fields each record has, without blank lines. */
  counts: number[];
  /** Whether the quotes break the rules: one inside a field, or text after a closing one. */
  broken: boolean;
  /** Whether a quoted field holds a doubled quote, and something else. */
  doubled: boolean;
  /** Whether a quoted field holds the delimiter or a line break. */
  spanning: boolean;
  /** Whether each column is quoted in all records or in none, and at least one is; all names of a header may be. */
  uniform: boolean;
}

const QUOTE = 0x22;
const RETURN = 13;

/**
 * Counts the fields of each record.
 * @param whole Whether the text is the whole file; else its last record is left out.
 */
export function measure(
  text: string,
  delimiter: string,
  { quoted, lineEnd, whole }: { quoted: boolean; lineEnd: LineEnd; whole: boolean },
): Measure {
  const counts: number[] = [];
  const columns: (boolean | "mixed")[] = [];
  let header: string[] | undefined;
  let first: boolean[] = [];
  let broken = false;
  let doubled = false;
  let spanning = false;
  let record: string[] = [];
  let enclosed: boolean[] = [];
  let at = 0;

  const endRecord = () => {
    if (record.length > 1 || record[0] !== "" || enclosed[0]) {
      counts.push(record.length);
      if (header === undefined) {
        header = record;
        first = enclosed;
      } else {
        enclosed.forEach((value, i) => {
          columns[i] = columns[i] === undefined || columns[i] === value ? value : "mixed";
        });
      }
    }
    record = [];
    enclosed = [];
  };
  const isEnd = (i: number) =>
    i >= text.length ||
    text.startsWith(delimiter, i) ||
    text[i] === lineEnd ||
    (text.charCodeAt(i) === RETURN && text[i + 1] === lineEnd);

  while (at < text.length) {
    const from = at;
    const isQuoted = quoted && text.charCodeAt(at) === QUOTE;
    if (isQuoted) {
      at++;
      for (;;) {
        at = text.indexOf('"', at);
        if (at < 0) break;
        if (text.charCodeAt(at + 1) === QUOTE) {
          at += 2;
        } else break;
      }
      if (at < 0) {
        if (whole) broken = true; // never closed
        at = text.length;
        break;
      }
      at++;
      const value = text.slice(from + 1, at - 1);
      doubled ||= value.includes('""') && /[^"]/.test(value);
      spanning ||= value.includes(delimiter) || value.includes("\n") || value.includes("\r");
      if (!isEnd(at)) {
        broken = true;
        break;
      }
      record.push(value.replaceAll('""', '"'));
    } else {
      while (at < text.length && !isEnd(at)) at++;
      const value = text.slice(from, at);
      if (quoted && value.includes('"')) broken = true;
      record.push(value);
    }
    enclosed.push(isQuoted);
    if (at >= text.length) break;
    if (text.startsWith(delimiter, at)) {
      at += delimiter.length;
      if (at < text.length) continue;
      record.push("");
      break;
    }
    at += text.charCodeAt(at) === RETURN && lineEnd === "\n" ? 2 : 1;
    endRecord();
  }
  if (whole && record.length > 0) endRecord();
  const isLikeFirst = first.every(Boolean) || first.every((value, i) => value === columns[i]);
  const uniform = isLikeFirst && columns.includes(true) && !columns.includes("mixed");
  return { header: header ?? [], counts, broken, doubled, spanning, uniform };
}

/** Whether all records have as many fields. */
export function isEven({ header, counts }: Measure): boolean {
  return counts.every((count) => count === header.length);
}
