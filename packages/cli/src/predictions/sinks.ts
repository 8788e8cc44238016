import { once } from "node:events";
import { type OutputHandle, withAtomicFile } from "@finetag/api";

/** Writes text in order; resolves when there is room for more. */
export type Write = (text: string) => Promise<void>;

const BUFFER_CHARACTERS = 64 * 1024;

/**
 * Lets `produce` write a file that appears as a whole at the end, or not at all. A pipe or device gets each text at once if
 * texts are labelled one by one, else as much as fills the buffer.
 */
export async function writeToFile(
  path: string,
  { signal, atOnce }: { signal: AbortSignal; atOnce: boolean },
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const write = async (handle: OutputHandle) => {
    let buffer = "";
    await produce(async (text) => {
      buffer += text;
      if (!atOnce && buffer.length < BUFFER_CHARACTERS) return;
      const full = buffer;
      buffer = "";
      await handle.appendFile(full);
    });
    await handle.appendFile(buffer);
  };
  await withAtomicFile(path, write, { signal });
}

/** Writes to a stream no faster than it is read. */
export function writerTo(stream: NodeJS.WriteStream, signal: AbortSignal): Write {
  return async (text) => {
    if (signal.aborted || stream.write(text)) return;
    await once(stream, "drain", { signal });
  };
}
