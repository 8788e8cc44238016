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
 * One text per line, UTF-8. `\n` and `\r\n` end a line. An empty line is a text too, so that input and output lines
 * match. Each line is yielded as soon as it arrives.
 *
 * @param name the stream's name, for errors.
 * @throws UsageError for a line that is not UTF-8, or longer than 16 MiB; no more than that is kept.
 */
export async function* lineInputs(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<TextInput> {
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
      throw new UsageError(`${name}:${line}: not UTF-8; convert it first`, { cause });
    }
  };
  const stop = () => stream.destroy();
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
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
    if (pending.length > 0) yield decode(pending);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
