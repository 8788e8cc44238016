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

/**
 * One text per line, UTF-8. `\n` and `\r\n` end a line. An empty line is a text too, so that input and output lines
 * match. Each line is yielded as soon as it arrives.
 *
 * @param name the stream's name, for errors.
 * @throws UsageError for a line that is not UTF-8.
 */
export async function* lineInputs(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<TextInput> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let line = 0;
  let pending: Buffer[] = [];
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
        from = end + 1;
      }
      if (from < chunk.length) pending.push(chunk.subarray(from));
    }
    if (pending.length > 0) yield decode(pending);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
