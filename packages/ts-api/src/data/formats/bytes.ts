import { isUtf8 } from "node:buffer";
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { throwIfAborted } from "../../errors/index.ts";
import { ioError, isNotFound } from "../../io/index.ts";
import { dataError, didYouMean } from "../errors.ts";

/** Small enough that parsing one never holds up the event loop for long. */
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** How a file starts that isn't text in UTF-8. */
const FOREIGN_STARTS: { bytes: number[]; what: string }[] = [
  { bytes: [0x1f, 0x8b], what: "is compressed with gzip; decompress it first (gunzip -k FILE)" },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: "is compressed with zstd; decompress it first (unzstd FILE)" },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    what: "is a zip archive or an Excel file; unpack it or export it as CSV",
  },
  { bytes: [0x50, 0x41, 0x52, 0x31, 0x15], what: "is a Parquet file; export it as CSV or JSONL" },
  { bytes: [0xff, 0xfe], what: "is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)" },
  { bytes: [0xfe, 0xff], what: "is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)" },
];

/** One line about a file that cannot be read; a path that leads nowhere is a mistake of the data's, the rest is IO. */
async function fileError(path: string, cause: unknown): Promise<unknown> {
  if (!isNotFound(cause)) return ioError(cause, "read", path);
  const siblings = await readdir(dirname(path)).catch(() => []);
  return dataError(path, undefined, `no such file${didYouMean(basename(path), siblings)}`);
}

async function orFileError<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw await fileError(path, cause);
  }
}

/**
 * Refuses what cannot be read again and again from the start.
 * @throws {FinetagError} ERR_FINETAG_DATA for a missing file, a directory, a pipe or an empty file.
 */
export async function checkFile(path: string): Promise<void> {
  const stats = await orFileError(path, stat(path));
  if (stats.isDirectory()) throw dataError(path, undefined, "is a directory, not a file");
  // Opening a pipe would wait for its writer; and a file is read more than once.
  if (!stats.isFile())
    throw dataError(path, undefined, "is not a regular file; save the data to a file first");
  if (stats.size === 0) throw dataError(path, undefined, "is empty");
}

/**
 * Streams a file's bytes, proven to be UTF-8 without NUL bytes, without a byte order mark, and cut between
 * characters. One chunk is in memory at a time: the next is read when the consumer asks for it.
 * @throws {FinetagError} ERR_FINETAG_DATA with the line of the first bad byte, ERR_FINETAG_IO, ERR_FINETAG_ABORTED.
 */
export async function* readText(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  await checkFile(path);
  const handle = await orFileError(path, open(path, "r"));
  try {
    let carried: Buffer = Buffer.alloc(0);
    let offset = 0;
    for (;;) {
      throwIfAborted(signal, path);
      const block = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await orFileError(path, handle.read(block, 0, CHUNK_BYTES));
      const fresh = block.subarray(0, bytesRead);
      let chunk: Buffer = carried.length === 0 ? fresh : Buffer.concat([carried, fresh]);
      if (offset === 0) chunk = withoutMark(path, chunk);
      const whole = bytesRead === 0 ? chunk.length : wholeCharacters(chunk);
      carried = chunk.subarray(whole);
      chunk = chunk.subarray(0, whole);
      await checkText(path, chunk, offset + bytesRead - carried.length - chunk.length);
      offset += bytesRead;
      if (chunk.length > 0) yield chunk;
      if (bytesRead === 0) return;
    }
  } finally {
    await handle.close();
  }
}

function withoutMark(path: string, start: Buffer): Buffer {
  for (const { bytes, what } of FOREIGN_STARTS) {
    if (bytes.every((byte, i) => start[i] === byte)) throw dataError(path, undefined, what);
  }
  return start.subarray(0, 3).equals(BYTE_ORDER_MARK) ? start.subarray(3) : start;
}

/** The length of `chunk` without an unfinished UTF-8 sequence at its end. */
function wholeCharacters(chunk: Buffer): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back]!;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? chunk.length - back : chunk.length;
    }
  }
  return chunk.length;
}

/** `offset` is where in the file the chunk starts. */
async function checkText(path: string, chunk: Buffer, offset: number): Promise<void> {
  const nul = chunk.indexOf(0);
  if (nul >= 0) {
    const line = await lineAt(path, offset + nul);
    throw dataError(path, line, "a NUL byte; the file is binary or UTF-16, save it as text in UTF-8");
  }
  if (isUtf8(chunk)) return;
  for (let start = 0; start < chunk.length; ) {
    const newline = chunk.indexOf(NEWLINE, start);
    const end = newline < 0 ? chunk.length : newline;
    if (!isUtf8(chunk.subarray(start, end))) {
      const line = await lineAt(path, offset + start);
      const remedy = "convert the file to UTF-8 (iconv -f WINDOWS-1252 -t UTF-8, or -f GB18030 for Chinese)";
      throw dataError(path, line, `not valid UTF-8; ${remedy}`);
    }
    start = end + 1;
  }
}

/** The 1-based line that holds the byte at `offset`; found by reading again, as only errors need it. */
async function lineAt(path: string, offset: number): Promise<number> {
  const handle = await orFileError(path, open(path, "r"));
  try {
    const block = Buffer.allocUnsafe(CHUNK_BYTES);
    let line = 1;
    for (let at = 0; at < offset; ) {
      const wanted = Math.min(CHUNK_BYTES, offset - at);
      const { bytesRead } = await orFileError(path, handle.read(block, 0, wanted, at));
      if (bytesRead === 0) break;
      for (let i = block.indexOf(NEWLINE); i >= 0 && i < bytesRead; i = block.indexOf(NEWLINE, i + 1)) line++;
      at += bytesRead;
    }
    return line;
  } finally {
    await handle.close();
  }
}
