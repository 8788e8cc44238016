import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { endianness } from "node:os";
import { type OutputHandle, writeAll } from "../../io/index.ts";
import { BLOCK_ROWS, type Block, TokenStore } from "./store.ts";

/*
 * A store in a file, in this machine's byte order:
 *
 *   8 bytes   MAGIC
 *   uint32    H, bytes of the header
 *   H bytes   header: JSON
 *   a block after the other: cuSeqlens, labelStarts, labels (int32), then, if any, targets (float32), unknownStarts and
 *             unknown (int32), then ids (uint16 or int32), tokenTypes (uint8, if any)
 *   32 bytes  SHA-256 of all before
 */

const MAGIC = Buffer.from("ftokens1");
const LENGTH_BYTES = 4;
const DIGEST_BYTES = 32;

/**
 * Sizes of a block: rows, tokens, labels, bytes of an id (2 or 4), bytes of a token type (0 or 1). Only if the block has
 * targets or unknown labels: bytes of a target (0 or 4), and the number of unknown labels or -1.
 */
type BlockSizes = [
  rows: number,
  tokens: number,
  labels: number,
  idBytes: number,
  typeBytes: number,
  targetBytes?: number,
  unknown?: number,
];

interface Header {
  labelCount: number;
  blocks: BlockSizes[];
  /** What the writer wants to have back. */
  extra: unknown;
}

/** Files of this name are of this format and byte order. */
export const STORE_FILE_FORMAT = `${MAGIC.toString()}-${endianness()}`;

/** Writes a store, and anything JSON can hold, to an empty file. */
export async function writeStore(file: OutputHandle, store: TokenStore, extra: unknown): Promise<void> {
  const hash = createHash("sha256");
  const put = async (bytes: Uint8Array) => {
    hash.update(bytes);
    await writeAll(file, bytes);
  };
  const sizes: Header = { labelCount: store.labelCount, blocks: store.blocks.map(sizesOf), extra };
  const header = Buffer.from(JSON.stringify(sizes));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(header.length);
  await put(Buffer.concat([MAGIC, length, header]));
  for (const block of store.blocks) await put(Buffer.concat(partsOf(block).map(bytesOf)));
  await writeAll(file, hash.digest());
}

/**
 * Reads what {@link writeStore} wrote.
 *
 * @returns undefined for a file that is not whole. Nothing larger than the file is allocated, whatever it says.
 */
export async function readStore(
  file: FileHandle,
): Promise<{ store: TokenStore; extra: unknown } | undefined> {
  const reader = new Reader(file, (await file.stat()).size);
  try {
    const start = await reader.next(MAGIC.length + LENGTH_BYTES);
    if (!start.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
    const header = await reader.next(start.readUInt32LE(MAGIC.length));
    const { labelCount, blocks, extra } = JSON.parse(header.toString()) as Header;
    const store = new TokenStore(labelCount);
    for (const sizes of blocks) {
      if (store.rows % BLOCK_ROWS !== 0) return undefined;
      store.adopt(blockOf(await reader.next(blockBytes(sizes)), sizes));
    }
    if (reader.left !== DIGEST_BYTES) return undefined;
    const digest = reader.hash.digest();
    return digest.equals(await reader.unhashed(DIGEST_BYTES)) ? { store, extra } : undefined;
  } catch (error) {
    // A length beyond the end of the file, or invalid JSON.
    if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError)
      return undefined;
    throw error;
  }
}

class Reader {
  readonly hash: Hash = createHash("sha256");
  readonly #file: FileHandle;
  readonly #size: number;
  #at = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  get left(): number {
    return this.#size - this.#at;
  }

  /** Reads on, into a buffer of its own. */
  async next(length: number): Promise<Buffer> {
    const bytes = await this.unhashed(length);
    this.hash.update(bytes);
    return bytes;
  }

  async unhashed(length: number): Promise<Buffer> {
    if (!(length >= 0 && length <= this.left)) throw new RangeError("out of the file");
    const bytes = Buffer.from(new ArrayBuffer(length));
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, this.#at + done);
      if (bytesRead === 0) throw new RangeError("the file became shorter");
      done += bytesRead;
    }
    this.#at += length;
    return bytes;
  }
}

function sizesOf({ cuSeqlens, ids, labels, tokenTypes, targets, unknown }: Readonly<Block>): BlockSizes {
  const usual = [cuSeqlens.length - 1, ids.length, labels.length, ids.BYTES_PER_ELEMENT, tokenTypes ? 1 : 0];
  const more = targets === undefined && unknown === undefined ? [] : [targets ? 4 : 0, unknown?.length ?? -1];
  return [...usual, ...more] as BlockSizes;
}

function blockBytes(sizes: BlockSizes): number {
  const [rows, tokens, labels, idBytes, typeBytes, targetBytes = 0, unknown = -1] = sizes;
  const unknownBytes = unknown < 0 ? 0 : 4 * (rows + 1 + unknown);
  return 4 * (2 * (rows + 1) + labels) + labels * targetBytes + unknownBytes + tokens * (idBytes + typeBytes);
}

/** In an order in which each part is aligned. */
function partsOf(block: Readonly<Block>) {
  const { cuSeqlens, labelStarts, labels, targets, unknownStarts, unknown, ids, tokenTypes } = block;
  const parts = [cuSeqlens, labelStarts, labels, targets, unknownStarts, unknown, ids, tokenTypes];
  return parts.filter((part) => part !== undefined);
}

/** Views into the bytes, which nothing else uses. */
function blockOf(bytes: Buffer, sizes: BlockSizes): Block {
  const [rows, tokens, labels, idBytes, typeBytes, targetBytes = 0, unknown = -1] = sizes;
  let at = bytes.byteOffset;
  const buffer = bytes.buffer as ArrayBuffer;
  const take = <T extends { byteLength: number }>(
    Kind: new (buffer: ArrayBuffer, at: number, length: number) => T,
    length: number,
  ): T => {
    const part = new Kind(buffer, at, length);
    at += part.byteLength;
    return part;
  };
  return {
    cuSeqlens: take(Int32Array, rows + 1),
    labelStarts: take(Int32Array, rows + 1),
    labels: take(Int32Array, labels),
    targets: targetBytes === 0 ? undefined : take(Float32Array, labels),
    unknownStarts: unknown < 0 ? undefined : take(Int32Array, rows + 1),
    unknown: unknown < 0 ? undefined : take(Int32Array, unknown),
    ids: idBytes === 2 ? take(Uint16Array, tokens) : take(Int32Array, tokens),
    tokenTypes: typeBytes === 0 ? undefined : take(Uint8Array, tokens),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
