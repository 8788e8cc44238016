import type { Dialect } from "../dialect/index.ts";
import type { TextRecord } from "./csv.ts";
import { readLines } from "./lines.ts";

/**
 * Reads the records of a delimited file. Where quotes enclose nothing, a record is a line and is cut at every delimiter.
 * @param read Streams the text in UTF-8.
 */
export async function* readFields(
  path: string,
  read: () => AsyncIterable<Buffer>,
  { delimiter, quoted, lineEnd, hasSepLine }: Dialect,
): AsyncGenerator<TextRecord[], void, undefined> {
  let skip = hasSepLine;
  for await (const batch of records()) {
    if (skip) batch.shift();
    skip = false;
    if (batch.length > 0) yield batch;
  }

  async function* records(): AsyncGenerator<TextRecord[], void, undefined> {
    if (quoted) {
      const { readCsv } = await import("./csv.ts"); // a parser that other formats do without
      yield* readCsv(path, read, { delimiter, lineEnd });
      return;
    }
    for await (const lines of readLines(path, read(), lineEnd)) {
      yield lines.map(({ row, text }) => ({ row, fields: text.split(delimiter) }));
    }
  }
}
