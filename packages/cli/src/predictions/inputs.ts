import type { Readable } from "node:stream";
import type { DataFile, TextInput } from "@finetag/api";
import { UsageError } from "../errors.ts";

/** The texts of the command line. */
export async function* wordInputs(words: readonly string[]): AsyncGenerator<TextInput> {
  for (const text of words) yield { text };
}

/** The rows of a data file. */
export async function* fileInputs(file: DataFile, signal: AbortSignal): AsyncGenerator<TextInput> {
  for await (const { id, text, textPair } of file.rows(signal)) yield { id, text, textPair };
}

/** As long as a record of a data file may be. Bytes. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/**
 * One text per line. `\n` and `\r\n` end a line. An empty line is a text too, so that input and output lines
 * match. Each line is yielded as soon as it arrives.
 *
 * @param name the stream's name, for errors.
 * @param encoding By its name on the web; UTF-8 if undefined.
 * @throws UsageError for bytes of another encoding, and for a line longer than 16 MiB in UTF-8; no more than that is kept.
 */
export async function* lineInputs(
  stream: Readable,
  name: string,
  signal: AbortSignal,
  encoding?: string,
): AsyncGenerator<TextInput> {
  const toUtf8 = recoder(name, encoding);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let line = 0;
  let pending: Buffer[] = [];
  let length = 0;
  const decode = (parts: Buffer[]): TextInput => {
    line++;
    try {
      const text = decoder.decode(Buffer.concat(parts)).replace(/\r$/, "");
      return { text: line === 1 ? text.replace(/^\ufeff/, "") : text };
    } catch (cause) {
      throw new UsageError(`${name}:${line}: not UTF-8; give its encoding, such as --encoding windows-1252`, {
        cause,
      });
    }
  };
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      const chunk = toUtf8(bytes);
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        yield decode([...pending, chunk.subarray(from, end)]);
        pending = [];
        length = 0;
        from = end + 1;
      }
      if (from === chunk.length) continue;
      pending.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > MAX_LINE_BYTES) {
        throw new UsageError(
          `${name}:${line + 1}: a line longer than 16 MiB; end each text with a line break`,
        );
      }
    }
    pending.push(toUtf8(undefined));
    if (pending.some((part) => part.length > 0)) yield decode(pending);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Turns bytes into those of UTF-8, piece by piece; undefined for the end. What is UTF-8 is left as it is. */
function recoder(name: string, encoding = "utf-8"): (bytes: Buffer | undefined) => Buffer {
  if (encoding === "utf-8") return (bytes = Buffer.alloc(0)) => bytes;
  const decoder = new TextDecoder(encoding, { fatal: true });
  return (bytes) => {
    try {
      return Buffer.from(decoder.decode(bytes, { stream: bytes !== undefined }));
    } catch (cause) {
      throw new UsageError(`${name}: not ${encoding}; give another --encoding`, { cause });
    }
  };
}
