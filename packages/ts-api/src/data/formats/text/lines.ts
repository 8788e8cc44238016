import { dataError } from "../../errors.ts";
import type { LineEnd } from "../dialect/index.ts";

/** No sane record is longer; an unclosed quote or a file without line ends is. Bytes. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export interface Line {
  /** 1-based. */
  row: number;
  text: string;
}

/**
 * Cuts UTF-8 chunks into lines ending in LF or CRLF; a lone CR is text, unless it is what ends the lines. The last line
 * needs no end. Yields the lines of a chunk at a time.
 * @throws {FinetagError} ERR_FINETAG_DATA for a line of more than 16 MiB, before more of it is kept.
 */
export async function* readLines(
  path: string,
  chunks: AsyncIterable<Buffer>,
  lineEnd: LineEnd = "\n",
): AsyncGenerator<Line[], void, undefined> {
  const ending = lineEnd === "\n" ? NEWLINE : CARRIAGE_RETURN;
  let row = 1;
  let pieces: Buffer[] = [];
  let pending = 0;

  const take = (last: Buffer): Line => {
    const bytes = pieces.length === 0 ? last : Buffer.concat([...pieces, last]);
    pieces = [];
    pending = 0;
    const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
    return { row: row++, text: bytes.toString("utf8", 0, end) };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(ending); end >= 0; end = chunk.indexOf(ending, start)) {
      lines.push(take(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (lines.length > 0) yield lines;
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      pending += chunk.length - start;
      if (pending > MAX_RECORD_BYTES) {
        throw dataError(path, row, "a line longer than 16 MiB; end each record with a line break");
      }
    }
  }
  if (pending > 0) yield [take(Buffer.alloc(0))];
}
