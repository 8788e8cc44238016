import { type FileHandle, open } from "node:fs/promises";
import { FinetagError } from "../errors/index.ts";
import { ioError } from "../io/index.ts";
import { damaged } from "./tensors.ts";

/**
 * What is done with each piece keeps the event loop for a few milliseconds only, and the allocator has room for such ones
 * that was used before: with pieces of 8 MiB, each took pages anew, and loading twice the system's time.
 */
const PIECE_BYTES = 2 * 1024 * 1024;

/** Sees each piece of a range in its order, for a checksum, while the next one is being read. */
export type OnPiece = (piece: Uint8Array) => void;

/** A file of which ranges are read, each into a buffer of its own and only after its bounds were checked. */
export class InputFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;
  #closed: Promise<void> | undefined;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.size = size;
  }

  /** @throws ERR_FINETAG_IO where it cannot be opened. */
  static async open(path: string): Promise<InputFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "r");
      const { size } = await handle.stat();
      return new InputFile(path, handle, size);
    } catch (error) {
      await handle?.close();
      throw ioError(error, "read", path);
    }
  }

  /**
   * Opens a file for a reader that may fail; the file is then closed.
   *
   * @throws What `start` throws. An error that is none of finetag's, as a parser's on damaged bytes, becomes
   *   ERR_FINETAG_MODEL.
   */
  static async start<T>(path: string, start: (file: InputFile) => Promise<T>): Promise<T> {
    const file = await InputFile.open(path);
    try {
      return await start(file);
    } catch (error) {
      await file.close();
      const known = ioError(error, "read", path);
      if (known instanceof FinetagError) throw known;
      throw Object.assign(damaged(path, (error as Error).message.replaceAll(/\s+/g, " ")), { cause: error });
    }
  }

  /** Bytes `[begin, end)`. */
  async read(begin: number, end: number, onPiece?: OnPiece): Promise<Uint8Array> {
    if (!(begin >= 0 && begin <= end && end <= this.size)) {
      throw damaged(this.path, `truncated: bytes ${begin} to ${end} are promised, ${this.size} are there`);
    }
    const bytes = allocate(this.path, end - begin);
    try {
      let next = this.#piece(bytes, begin, 0);
      for (let offset = 0; offset < bytes.byteLength; offset += PIECE_BYTES) {
        const piece = await next;
        next = this.#piece(bytes, begin, offset + PIECE_BYTES);
        onPiece?.(piece);
      }
      await next;
    } catch (error) {
      throw ioError(error, "read", this.path);
    }
    return bytes;
  }

  /**
   * Bytes `[begin, end)` in pieces, each at the start of its own buffer. The next one is read while one is in use.
   *
   * @param unitBytes What no piece cuts; a divisor of the whole.
   */
  async *pieces(begin: number, end: number, unitBytes = 8): AsyncGenerator<Uint8Array, void> {
    const step = Math.max(unitBytes, PIECE_BYTES - (PIECE_BYTES % unitBytes));
    const read = (offset: number) => {
      const piece = this.read(offset, Math.min(offset + step, end));
      piece.catch(() => {}); // whoever stops before it does not see it fail
      return piece;
    };
    let next = begin < end ? read(begin) : undefined;
    for (let offset = begin + step; next !== undefined; offset += step) {
      const piece = await next;
      next = offset < end ? read(offset) : undefined;
      yield piece;
    }
  }

  /** May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#handle.close();
    return this.#closed;
  }

  /** The piece of a range that starts at `offset` in `bytes`; empty behind its end. */
  async #piece(bytes: Uint8Array, begin: number, offset: number): Promise<Uint8Array> {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES);
    for (let done = 0; done < piece.byteLength; ) {
      const length = piece.byteLength - done;
      const { bytesRead } = await this.#handle.read(piece, done, length, begin + offset + done);
      if (bytesRead === 0) throw damaged(this.path, "the file became shorter while it was read");
      done += bytesRead;
    }
    return piece;
  }
}

function allocate(path: string, length: number): Uint8Array {
  try {
    // A large one comes from the system as zeros, which take no time; a small one would be filled with them.
    return length > PIECE_BYTES
      ? new Uint8Array(length)
      : new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  } catch (error) {
    throw new FinetagError(
      "ERR_FINETAG_OUT_OF_MEMORY",
      `${path}: a tensor of ${length} bytes does not fit into memory; use a smaller model or a larger machine`,
      { cause: error },
    );
  }
}
