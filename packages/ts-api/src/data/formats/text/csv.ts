import { type CsvError, Parser } from "csv-parse";
import { oneLine } from "../../../errors/index.ts";
import { dataError } from "../../errors.ts";
import type { LineEnd } from "../dialect/index.ts";
import { MAX_RECORD_BYTES } from "./lines.ts";

/** A record's fields in the order of the file. */
export interface TextRecord {
  /** The 1-based line on which the record starts. */
  row: number;
  fields: string[];
}

export interface CsvDialect {
  delimiter: string;
  lineEnd: LineEnd;
}

const QUOTE = 0x22;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

function lineBreaks(fields: readonly string[], lineEnd: LineEnd): number {
  let count = 0;
  for (const field of fields) {
    for (let i = field.indexOf(lineEnd); i >= 0; i = field.indexOf(lineEnd, i + 1)) count++;
  }
  return count;
}

/**
 * csv-parse's parser, with its records kept aside instead of queued in the stream: a stream that fails drops
 * its queue. Lines are counted here, as the parser takes a CRLF in a quoted field for two.
 */
class RecordParser extends Parser {
  row = 1;
  lineEnd: LineEnd = "\n";
  #records: TextRecord[] = [];

  override push(fields: string[] | null): boolean {
    if (fields === null) return super.push(null);
    this.#records.push({ row: this.row, fields });
    this.row += 1 + lineBreaks(fields, this.lineEnd);
    return true;
  }

  drain(): TextRecord[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }
}

/**
 * Parses RFC 4180 records; they end in LF or CRLF, mixed as they come, and a lone CR is text, unless it is what ends them.
 * Records may differ in length, and a blank line is the record `[""]`: the caller knows how many columns there are.
 * Yields the records of a chunk at a time.
 * @param read Streams the text in UTF-8, once more for an error.
 * @throws {FinetagError} ERR_FINETAG_DATA for wrong quoting, with the line on which the quote opened.
 */
export async function* readCsv(
  path: string,
  read: () => AsyncIterable<Buffer>,
  dialect: CsvDialect,
): AsyncGenerator<TextRecord[], void, undefined> {
  const parser = new RecordParser({
    delimiter: dialect.delimiter,
    quote: '"',
    escape: '"',
    record_delimiter: dialect.lineEnd === "\n" ? ["\r\n", "\n"] : ["\r"],
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
  });
  parser.lineEnd = dialect.lineEnd;
  const explained = (error: CsvError) =>
    explain(path, parser.row, error, () => lineOfWrongQuote(read(), dialect));
  parser.on("error", () => {}); // Every error also reaches the callback below.
  const feed = (send: (done: (error?: Error | null) => void) => void) =>
    new Promise<CsvError | undefined>((resolve) =>
      send((error) => resolve((error ?? undefined) as CsvError)),
    );
  try {
    for await (const chunk of read()) {
      const error = await feed((done) => parser.write(chunk, done));
      const records = parser.drain();
      if (records.length > 0) yield records;
      if (error) throw await explained(error);
    }
    const error = await feed((done) => parser.end(done));
    const records = parser.drain();
    if (records.length > 0) yield records;
    if (error) throw await explained(error);
  } finally {
    parser.destroy();
  }
}

async function explain(
  path: string,
  row: number,
  error: CsvError,
  lineOfQuote: () => Promise<number>,
): Promise<Error> {
  switch (error.code as string) {
    case "CSV_QUOTE_NOT_CLOSED":
      return dataError(
        path,
        await lineOfQuote(),
        'a quote opens here and is never closed; close it, and double each quote inside a text ("")',
      );
    case "CSV_INVALID_CLOSING_QUOTE":
      return dataError(
        path,
        await lineOfQuote(),
        'a quote opens here, and text follows the quote that closes it; double each quote inside a text ("") ' +
          "or close the one that was left open",
      );
    case "INVALID_OPENING_QUOTE":
      return dataError(
        path,
        await lineOfQuote(),
        'a quote inside a field that does not start with one; put the field in quotes and double its quotes ("")',
      );
    case "CSV_MAX_RECORD_SIZE":
      return dataError(path, row, "a record longer than 16 MiB; is a quote opened here and never closed?");
    default:
      return dataError(path, row, oneLine(error.message));
  }
}

/**
 * The line of the first quote that breaks RFC 4180: one inside an unquoted field, or the opening quote of a
 * field that isn't closed before a delimiter, a line end or the end of the file. Reads the file again from its
 * start, since only errors need it and the parser does not tell.
 */
async function lineOfWrongQuote(
  chunks: AsyncIterable<Buffer>,
  { delimiter, lineEnd }: CsvDialect,
): Promise<number> {
  const separator = Buffer.from(delimiter).at(-1);
  const ending = lineEnd === "\n" ? NEWLINE : CARRIAGE_RETURN;
  let line = 1;
  let opened = 1;
  // "closing": a quote was met inside a quoted field; "return": and then a CR.
  let state: "start" | "plain" | "quoted" | "closing" | "return" = "start";
  for await (const chunk of chunks) {
    for (const byte of chunk) {
      if (state === "quoted") {
        if (byte === QUOTE) state = "closing";
      } else if (state === "closing" && byte === QUOTE) {
        state = "quoted";
      } else if (state === "return" && byte !== NEWLINE) {
        return opened;
      } else if (byte === separator || byte === ending) {
        state = "start";
      } else if (state === "closing") {
        if (byte !== CARRIAGE_RETURN) return opened;
        state = "return";
      } else if (byte === QUOTE) {
        if (state === "plain") return line;
        opened = line;
        state = "quoted";
      } else {
        state = "plain";
      }
      if (byte === ending) line++;
    }
  }
  return opened;
}
