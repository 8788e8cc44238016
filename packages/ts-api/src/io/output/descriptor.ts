import { constants, fstat, write } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { FinetagError, throwIfAborted } from "../../errors/index.ts";
import { isSystemError } from "../errors.ts";

/** What a file is written through: a part of Node's FileHandle. */
export interface OutputHandle {
  /** Writes bytes at the end of what was written before; may take fewer than `length`. */
  write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  appendFile(data: string | Uint8Array): Promise<void>;
}

/** How long to wait for a slow reader, and for one that has not come yet, before asking again. */
const PAUSE_MS = 10;

const writeTo = promisify(write) as (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
) => Promise<{ bytesWritten: number }>;

/**
 * An open file by its number, which is not closed here. A pipe may be set not to block (libuv does that to stdout); it then
 * has no room for a while.
 */
export class Descriptor implements OutputHandle {
  readonly #fd: number;
  readonly #signal: AbortSignal | undefined;

  constructor(fd: number, signal?: AbortSignal) {
    this.#fd = fd;
    this.#signal = signal;
  }

  async write(bytes: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> {
    return whenPossible("EAGAIN", () => writeTo(this.#fd, bytes, offset, length), this.#signal);
  }

  async appendFile(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let offset = 0; offset < bytes.byteLength; )
      offset += (await this.write(bytes, offset, bytes.byteLength - offset)).bytesWritten;
  }
}

/**
 * @throws FinetagError `ERR_FINETAG_IO` where this process has no open file of that number, or one of Node's own, such as the
 *   eventfd of its event loop, which is no file, pipe or device.
 */
export async function checkDescriptor(fd: number, path: string): Promise<void> {
  const refuse = (cause?: unknown) => {
    throw new FinetagError(
      "ERR_FINETAG_IO",
      `${path}: finetag has no open file of that number; npx does not pass on what a shell opens for \`>(command)\`, so run ` +
        "node_modules/.bin/finetag, or give a file",
      { cause, kind: "input" },
    );
  };
  const entry = await promisify(fstat)(fd).catch(refuse);
  if ((entry.mode & constants.S_IFMT) === 0) refuse();
}

/**
 * Opens a named pipe to write, which waits for its reader. To wait within `open` would occupy a thread of Node that nothing
 * can stop, so the system is asked from time to time. Writing never blocks either; use a {@link Descriptor}.
 */
export async function openPipe(path: string, signal?: AbortSignal): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK;
  return whenPossible("ENXIO", () => open(path, flags), signal);
}

async function whenPossible<T>(
  code: string,
  attempt: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (;;) {
    throwIfAborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (!isSystemError(error) || error.code !== code) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
