import type { FileHandle } from "node:fs/promises";
import { FinetagError, oneLine } from "../errors/index.ts";
import { ioError, openToRead } from "../io/index.ts";
import { damaged } from "./tensors.ts";

/** What is done with each piece keeps the event loop for a millisecond or two. */
const PIECE_BYTES = 2 * 1024 * 1024;

/** Pieces that are being read while one is in use: with two, a fast disk waited a fifth of the time. */
const PIECES_AHEAD = 4;

/**
 * Buffers of PIECE_BYTES that are in no use, while any file is open: new ones would be cleared, and take pages of the
 * system, each time.
 */
const spareBuffers: ArrayBuffer[] = [];
let openFiles = 0;

function takeBuffer(path: string, bytes: number): ArrayBuffer {
  if (bytes > PIECE_BYTES) return allocate(path, bytes).buffer as ArrayBuffer;
  return spareBuffers.pop() ?? new ArrayBuffer(PIECE_BYTES);
}

function giveBuffer({ buffer }: Uint8Array): void {
  if (openFiles > 0 && buffer.byteLength === PIECE_BYTES) spareBuffers.push(buffer as ArrayBuffer);
}

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
    openFiles++;
  }

  /** @throws ERR_FINETAG_IO where it cannot be opened. */
  static async open(path: string): Promise<InputFile> {
    try {
      const { handle, size } = await openToRead(path);
      return new InputFile(path, handle, size);
    } catch (error) {
      throw ioError(error, "read", path);
    }
  }

  /**
   * Opens a file for a reader that may fail; the file is then closed.
   *
   * @throws What `start` throws. An error of another class, such as a parser's on damaged bytes, becomes
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
      throw Object.assign(damaged(path, oneLine((error as Error).message)), { cause: error });
    }
  }

  /** Bytes `[begin, end)`. */
  async read(begin: number, end: number, onPiece?: OnPiece): Promise<Uint8Array> {
    this.#check(begin, end);
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
   * Bytes `[begin, end)` in pieces, each at the start of a buffer, which is used again once the next one is asked for. The
   * next ones are read while one is in use.
   *
   * @param unitBytes What no piece cuts; a divisor of the whole.
   */
  async *pieces(begin: number, end: number, unitBytes = 8): AsyncGenerator<Uint8Array, void> {
    this.#check(begin, end);
    const step = Math.max(unitBytes, PIECE_BYTES - (PIECE_BYTES % unitBytes));
    const reads: Promise<Uint8Array>[] = [];
    let offset = begin;
    const readOn = () => {
      if (offset >= end) return;
      const piece = new Uint8Array(takeBuffer(this.path, step), 0, Math.min(step, end - offset));
      const read = this.#fill(piece, offset);
      read.catch(() => {}); // whoever stops before it does not see it fail
      reads.push(read);
      offset += step;
    };
    try {
      for (let i = 0; i <= PIECES_AHEAD; i++) readOn();
      for (let read = reads[0]; read !== undefined; read = reads[0]) {
        const piece = await read;
        yield piece;
        reads.shift();
        giveBuffer(piece);
        readOn();
      }
    } catch (error) {
      throw ioError(error, "read", this.path);
    } finally {
      // Nothing is read into a buffer that another may take.
      await Promise.allSettled(reads);
    }
  }

  /** May be called again. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      if (--openFiles === 0) spareBuffers.length = 0;
      this.#closed = this.#handle.close();
    }
    return this.#closed;
  }

  #check(begin: number, end: number): void {
    if (begin >= 0 && begin <= end && end <= this.size) return;
    throw damaged(this.path, `truncated: it has ${this.size} bytes, but bytes ${begin} to ${end} are needed`);
  }

  /** The piece of a range that starts at `offset` in `bytes`; empty behind its end. */
  #piece(bytes: Uint8Array, begin: number, offset: number): Promise<Uint8Array> {
    return this.#fill(bytes.subarray(offset, offset + PIECE_BYTES), begin + offset);
  }

  /** Reads what begins at `position`. */
  async #fill(piece: Uint8Array, position: number): Promise<Uint8Array> {
    for (let done = 0; done < piece.byteLength; ) {
      const length = piece.byteLength - done;
      const { bytesRead } = await this.#handle.read(piece, done, length, position + done);
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
