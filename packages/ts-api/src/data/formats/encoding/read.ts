import { isUtf8 } from "node:buffer";
import { throwIfAborted } from "../../../errors/index.ts";
import { dataError } from "../../errors.ts";
import type { Contents } from "../container/index.ts";
import { remedyForBadUtf8 } from "./detect.ts";
import { wholeCharacters } from "./utf8.ts";
import { withoutC1 } from "./windows-1252.ts";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Streams a file's text as UTF-8: proven to be valid in its encoding, without NUL characters, without a byte order mark,
 * and cut between characters. One chunk is in memory at a time: the next is read when the consumer asks for it.
 * @throws {FinetagError} ERR_FINETAG_DATA with the line of the first bad byte, ERR_FINETAG_IO, ERR_FINETAG_ABORTED.
 */
export function readText(
  contents: Contents,
  encoding: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  return encoding === "utf-8" ? readUtf8(contents, signal) : readDecoded(contents, encoding, signal);
}

/** The text of the first MiB, for decisions: what is wrong in it is an error where it is read. */
export function decodeHead({ head, whole }: Contents, encoding: string): string {
  const text = toDecoder(encoding, false).decode(head, { stream: !whole });
  return withoutC1(encoding, text);
}

async function* readUtf8(contents: Contents, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  let carried: Buffer = Buffer.alloc(0);
  let offset = 0;
  let isStart = true;
  const emit = async (bytes: Buffer, whole: number): Promise<Buffer> => {
    carried = bytes.subarray(whole);
    if (whole === 0) return bytes.subarray(0, 0);
    const marked = isStart && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
    isStart = false;
    const chunk = bytes.subarray(marked ? 3 : 0, whole);
    await checkUtf8(contents, chunk, offset + (marked ? 3 : 0));
    offset += whole;
    return chunk;
  };
  for await (const fresh of contents.read(signal)) {
    throwIfAborted(signal, contents.path);
    const bytes: Buffer = carried.length === 0 ? fresh : Buffer.concat([carried, fresh]);
    const isPartOfMark = isStart && bytes.length < BYTE_ORDER_MARK.length;
    const chunk = await emit(bytes, isPartOfMark ? 0 : wholeCharacters(bytes));
    if (chunk.length > 0) yield chunk;
  }
  if (carried.length > 0) yield await emit(carried, carried.length);
}

/** `offset` is where in the text the chunk starts. */
async function checkUtf8(contents: Contents, chunk: Buffer, offset: number): Promise<void> {
  const nul = chunk.indexOf(0);
  if (nul >= 0) {
    const line = await lineAt(contents, offset + nul);
    throw dataError(
      contents.path,
      line,
      "a NUL byte; the file is binary or damaged, save it as text in UTF-8",
    );
  }
  if (isUtf8(chunk)) return;
  for (let start = 0; start < chunk.length; ) {
    const newline = chunk.indexOf(NEWLINE, start);
    const end = newline < 0 ? chunk.length : newline;
    const bytes = chunk.subarray(start, end);
    if (!isUtf8(bytes)) {
      const line = await lineAt(contents, offset + start);
      const remedy = await remedyForBadUtf8(contents, bytes);
      throw dataError(contents.path, line, `not valid UTF-8; ${remedy}`, "encoding");
    }
    start = end + 1;
  }
}

/** The 1-based line that holds the byte at `offset`; found by reading again, as only errors need it. */
async function lineAt(contents: Contents, offset: number): Promise<number> {
  const lines = new LineCount();
  let at = 0;
  for await (const chunk of contents.read()) {
    lines.add(chunk.subarray(0, offset - at));
    at += chunk.length;
    if (at >= offset) break;
  }
  return lines.line;
}

/** Counts LF; CR where there is no LF at all. */
class LineCount {
  #newlines = 0;
  #returns = 0;

  add(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === NEWLINE) this.#newlines++;
      else if (byte === CARRIAGE_RETURN) this.#returns++;
    }
  }

  get line(): number {
    return 1 + (this.#newlines > 0 ? this.#newlines : this.#returns);
  }
}

async function* readDecoded(
  contents: Contents,
  encoding: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const { path } = contents;
  const decoder = toDecoder(encoding, true);
  const decode = async (bytes: Uint8Array, stream: boolean): Promise<Buffer> => {
    let text: string;
    try {
      text = decoder.decode(bytes, { stream });
    } catch {
      const remedy = "correct the line, or set the right `encoding`";
      const line = await lineOf(contents, encoding, "\ufffd"); // what a lenient decoder gives for bad bytes
      throw dataError(path, line, `not valid ${encoding}; ${remedy}`, "encoding");
    }
    if (text.includes("\0")) {
      const remedy = `the file is binary, or not ${encoding}; set the right \`encoding\``;
      const line = await lineOf(contents, encoding, "\0");
      throw dataError(path, line, `a NUL character; ${remedy}`, "encoding");
    }
    return Buffer.from(withoutC1(encoding, text));
  };
  for await (const bytes of contents.read(signal)) {
    throwIfAborted(signal, path);
    const chunk = await decode(bytes, true);
    if (chunk.length > 0) yield chunk;
  }
  const rest = await decode(new Uint8Array(0), false);
  if (rest.length > 0) yield rest;
}

/** The 1-based line with the first such character; found by reading again, as only errors need it. */
async function lineOf(contents: Contents, encoding: string, char: string): Promise<number> {
  const decoder = toDecoder(encoding, false);
  const lines = new LineCount();
  for await (const bytes of contents.read()) {
    const text = decoder.decode(bytes, { stream: true });
    const at = text.indexOf(char);
    lines.add(Buffer.from(at < 0 ? text : text.slice(0, at)));
    if (at >= 0) break;
  }
  return lines.line;
}

function toDecoder(encoding: string, fatal: boolean) {
  return new TextDecoder(encoding, { fatal });
}
