import { dataError, show } from "../../errors.ts";
import type { ObjectRecord } from "../object-table.ts";
import { MAX_RECORD_BYTES } from "../text/index.ts";
import { readColumns } from "./columns.ts";
import type { JsonLayout } from "./layout.ts";
import { parseJson } from "./parse.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, COMMA, COLON] = [..."{}[],:"].map((c) =>
  c.charCodeAt(0),
) as [number, number, number, number, number, number];

/**
 * Streams the rows of a JSON file that is one value. Rows are cut out by their brackets and each is parsed by `JSON.parse`,
 * so that one row is in memory at a time, and its line is known. `row` is the line on which the object starts.
 * @throws {FinetagError} ERR_FINETAG_DATA with the line for what is no JSON.
 */
export async function* readJson(
  path: string,
  chunks: AsyncIterable<Buffer>,
  layout: JsonLayout,
): AsyncGenerator<ObjectRecord[], void, undefined> {
  if (layout.kind === "columns") {
    yield* readColumns(path, chunks);
    return;
  }
  const cutter = new RowCutter(path, layout);
  for await (const chunk of chunks) {
    const records = cutter.add(chunk);
    if (records.length > 0) yield records;
    if (cutter.error !== undefined) throw cutter.error;
  }
  cutter.end();
}

/** Finds the objects that are rows: at one depth, below one key. */
class RowCutter {
  /** What stopped it; the records before are whole. */
  error: Error | undefined;
  readonly #path: string;
  readonly #layout: JsonLayout;
  /** Brackets that are open around a row. */
  readonly #rowDepth: number;
  readonly #key: string | undefined;
  #records: ObjectRecord[] = [];
  #depth = 0;
  #line = 1;
  #inString = false;
  #escaped = false;
  /** The last string next to rows or above them, which may be a key. */
  #string: number[] = [];
  /** Whether the rows' own array or object is open. */
  #inRows: boolean;
  #isOver = false;
  #row = 0;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(path: string, layout: JsonLayout) {
    this.#path = path;
    this.#layout = layout;
    this.#key = "key" in layout ? layout.key : undefined;
    this.#rowDepth = layout.kind === "sequence" ? 0 : this.#key === undefined ? 1 : 2;
    this.#inRows = this.#key === undefined;
  }

  add(chunk: Buffer): ObjectRecord[] {
    this.#records = [];
    try {
      this.#scan(chunk);
    } catch (error) {
      this.error = error as Error;
    }
    return this.#records;
  }

  end(): void {
    const rowsEnded = this.#layout.kind === "sequence" || this.#isOver;
    if (this.#depth === 0 && !this.#inString && rowsEnded) return;
    throw this.#fail("the JSON ends here before its last bracket is closed; copy or download the file again");
  }

  #scan(chunk: Buffer): void {
    let from = this.#row > 0 ? 0 : -1; // where the row that is open begins in this chunk
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === NEWLINE) this.#line++;
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inString = false;
        if (from < 0 && this.#string.length < 1000 && this.#inString) this.#string.push(byte);
        continue;
      }
      if (byte === QUOTE) {
        if (from < 0) this.#startValue(byte);
        this.#inString = true;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (from < 0 && this.#startValue(byte)) from = i;
        this.#depth++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        this.#depth--;
        if (this.#depth < 0) throw this.#fail(`invalid JSON: a ${show(String.fromCharCode(byte))} too many`);
        if (from >= 0 && this.#depth === this.#rowDepth) {
          this.#take(chunk.subarray(from, i + 1));
          from = -1;
        } else if (from < 0 && this.#depth < this.#rowDepth && this.#inRows) {
          this.#inRows = false;
          this.#isOver = true;
        }
      } else if (from < 0 && !isBetween(byte)) this.#startValue(byte);
    }
    if (from >= 0) this.#keep(chunk.subarray(from));
  }

  /** A value begins outside of rows: is it a row? */
  #startValue(byte: number): boolean {
    const isRowPlace = this.#inRows && this.#depth === this.#rowDepth && !this.#isOver;
    if (isRowPlace && byte === OPEN_OBJECT) {
      this.#row = this.#line;
      return true;
    }
    if (byte === QUOTE) {
      if (isRowPlace && this.#layout.kind === "array") throw this.#noObject(byte);
      this.#string = [];
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (isRowPlace) throw this.#noObject(byte);
      const isTop = this.#key === undefined || this.#isOver || this.#depth !== 1;
      if (!isTop && this.#lastString() === this.#key) this.#inRows = true;
    } else if (isRowPlace) throw this.#noObject(byte);
    return false;
  }

  #noObject(byte: number): Error {
    const char = show(String.fromCharCode(byte));
    return this.#fail(`a value that begins with ${char}, not an object; each row is an object`);
  }

  #lastString(): string {
    try {
      return JSON.parse(`"${Buffer.from(this.#string).toString()}"`);
    } catch {
      return "";
    }
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length > MAX_RECORD_BYTES) {
      const what = "a row longer than 16 MiB; is a bracket or a quote never closed?";
      throw dataError(this.#path, this.#row, what);
    }
  }

  #take(last: Buffer): void {
    const json = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#length = 0;
    const row = this.#row;
    this.#row = 0;
    let object: Record<string, unknown>;
    try {
      object = parseJson(json.toString()) as Record<string, unknown>;
    } catch (error) {
      throw dataError(this.#path, row, (error as Error).message);
    }
    if (this.#layout.kind === "values" && !Object.hasOwn(object, "id"))
      object = { id: this.#lastString(), ...object };
    this.#records.push({ row, object });
  }

  #fail(what: string): Error {
    return dataError(this.#path, this.#line, what);
  }
}

/** What may be between values. */
function isBetween(byte: number): boolean {
  return (
    byte === 0x20 ||
    byte === NEWLINE ||
    byte === CARRIAGE_RETURN ||
    byte === 9 ||
    byte === COMMA ||
    byte === COLON
  );
}
