import { dataError } from "../../errors.ts";
import type { Line } from "./lines.ts";

/** A row of a layout that has labels and a text by its own rules. */
export interface LabelledLine {
  row: number;
  fields: { id?: string; labels: string[]; text: string };
}

const PREFIX = "__label__";

/**
 * fastText's layout (its `supervised` command): words that begin with `__label__` are labels, the rest is the text. They
 * come before the text, or after it.
 */
export function readLabelledLines(lines: readonly Line[]): LabelledLine[] {
  return lines
    .filter(({ text }) => text.trim() !== "")
    .map(({ row, text }) => ({ row, fields: fastText(text) }));
}

function fastText(line: string): { labels: string[]; text: string } {
  const labels: string[] = [];
  let text = line.trim();
  for (
    let match = /^__label__\S*(?:\s+|$)/.exec(text);
    match !== null;
    match = /^__label__\S*(?:\s+|$)/.exec(text)
  ) {
    labels.push(match[0].trim().slice(PREFIX.length));
    text = text.slice(match[0].length);
  }
  for (let match = /\s+__label__\S*$/.exec(text); match !== null; match = /\s+__label__\S*$/.exec(text)) {
    labels.push(match[0].trim().slice(PREFIX.length));
    text = text.slice(0, match.index);
  }
  return { labels: labels.filter((label) => label !== ""), text };
}

/**
 * LibMultiLabel's layout of texts: `labels<TAB>text` or `id<TAB>labels<TAB>text`, the labels separated by spaces, without
 * a header and without quotes.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA for a line with another number of fields than `width`.
 */
export function readLibMultiLabel(path: string, lines: readonly Line[], width: number): LabelledLine[] {
  return lines
    .filter(({ text }) => text.trim() !== "")
    .map(({ row, text: line }) => {
      const fields = line.split("\t");
      if (fields.length !== width) {
        const what = `expected ${width} fields, found ${fields.length}; a line is labels, tab, text, or id, tab, labels, tab, text`;
        throw dataError(path, row, what);
      }
      const [labels, text] = fields.slice(-2) as [string, string];
      const own = { labels: labels.split(/\s+/).filter((label) => label !== ""), text };
      return { row, fields: width === 3 ? { id: fields[0]!, ...own } : own };
    });
}
