import { createRequire } from "node:module";
import protobuf from "protobufjs/light.js";
import { maskedCrc32c } from "../../io/index.ts";
import { FOOTER_BYTES, isTable } from "../foreign.ts";
import { damaged } from "../tensors.ts";

/**
 * The table that a checkpoint's index is: LevelDB's, with the checksums and block kinds of
 * tensorflow/tsl/lib/io/{format,block,table}.cc.
 *
 *     data block … | meta block … | meta index | index | footer
 *     block:  entries | restart offsets (uint32 each) | their number (uint32), then 1 byte kind, 4 bytes masked CRC32C
 *     entry:  varint shared, unshared, value length | unshared bytes of the key | value
 *     footer: handles (varint offset, size) of meta index and index, padded to 40 bytes | magic number
 */
const TRAILER_BYTES = 5;

/** Blocks are of about 256 KiB; a compressed one that says more than this lies. */
const BLOCK_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Of unpacked blocks and of their keys, which share prefixes: few bytes can stand for many. A thousand variables take
 * some 300 KB.
 */
const ENTRIES_LIMIT_BYTES = 64 * 1024 * 1024;
const ENTRY_BYTES = 256; // about what an entry takes in addition to its key

export interface TableEntry {
  key: Buffer;
  value: Uint8Array;
}

/**
 * The entries of a table, in the order of their keys. Every checksum is verified; blocks have to follow each other, so
 * that the work is bounded by the file's size.
 *
 * @throws ERR_FINETAG_MODEL for bytes that are not a table, or damaged; `RangeError` of the decoder at a block's end.
 */
export function* readTable(path: string, bytes: Uint8Array): Generator<TableEntry> {
  const index = readIndexHandle(path, bytes);
  let end = 0;
  let taken = 0;
  let last: Buffer | undefined;
  const take = (more: number) => {
    taken += more;
    if (taken > ENTRIES_LIMIT_BYTES) throw damaged(path, "its entries take more room than any model's");
  };
  for (const { value } of blockEntries(path, readBlock(path, bytes, index), take)) {
    const handle = readHandle(protobuf.Reader.create(value));
    if (handle.offset < end || handle.offset + handle.size + TRAILER_BYTES > index.offset) {
      throw damaged(path, "its blocks do not follow each other");
    }
    end = handle.offset + handle.size + TRAILER_BYTES;
    const block = readBlock(path, bytes, handle);
    take(block.byteLength);
    for (const entry of blockEntries(path, block, take)) {
      if (last !== undefined && last.compare(entry.key) >= 0)
        throw damaged(path, "its keys are not in order");
      last = entry.key;
      yield entry;
    }
  }
}

interface Handle {
  offset: number;
  size: number;
}

function readIndexHandle(path: string, bytes: Uint8Array): Handle {
  if (!isTable(bytes)) throw damaged(path, "not the index of a TensorFlow checkpoint, or truncated");
  const reader = protobuf.Reader.create(bytes.subarray(bytes.byteLength - FOOTER_BYTES));
  readHandle(reader); // of the meta index, which TensorFlow leaves empty
  return readHandle(reader);
}

function readHandle(reader: protobuf.Reader): Handle {
  return { offset: Number(reader.uint64()), size: Number(reader.uint64()) };
}

const KINDS = { stored: 0, snappy: 1 };

function readBlock(path: string, bytes: Uint8Array, { offset, size }: Handle): Buffer {
  const end = offset + size;
  if (!(end + TRAILER_BYTES <= bytes.byteLength - FOOTER_BYTES)) {
    throw damaged(path, `truncated: the block of ${size} bytes at byte ${offset} is cut off`);
  }
  const checked = bytes.subarray(offset, end + 1);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end + 1, 4).getUint32(0, true);
  if (maskedCrc32c(checked) !== checksum) {
    throw damaged(path, `the checksum of the block at byte ${offset} is wrong`);
  }
  const contents = Buffer.from(bytes.buffer, bytes.byteOffset + offset, size);
  const kind = bytes[end]!;
  if (kind === KINDS.stored) return contents;
  if (kind === KINDS.snappy) return unpack(path, offset, contents);
  throw damaged(path, `the block at byte ${offset} is of the unknown kind ${kind}`);
}

const require = createRequire(import.meta.url);

/**
 * The length comes first; the library holds all that follows to it. It is loaded only here: TensorFlow itself packs no
 * index (tensor_bundle.cc).
 */
function unpack(path: string, offset: number, packed: Buffer): Buffer {
  const bad = (what: string) => damaged(path, `the Snappy block at byte ${offset} ${what}`);
  const length = protobuf.Reader.create(packed).uint32();
  if (length > BLOCK_LIMIT_BYTES) throw bad(`claims ${length} bytes, more than a block can have`);
  const { uncompressSync } = require("snappy") as typeof import("snappy");
  try {
    return uncompressSync(packed) as Buffer;
  } catch (error) {
    throw bad(`does not unpack to the ${length} bytes that it claims (${(error as Error).message})`);
  }
}

/** @param take Counts the bytes of each entry before its key is made; throws where they are too many. */
function* blockEntries(path: string, block: Buffer, take: (bytes: number) => void): Generator<TableEntry> {
  if (block.byteLength < 4) throw damaged(path, "a block is too short");
  const restarts = block.readUInt32LE(block.byteLength - 4);
  const end = block.byteLength - 4 * (restarts + 1);
  if (end < 0) throw damaged(path, "a block has more restart points than bytes");
  const reader = protobuf.Reader.create(block.subarray(0, end));
  let key: Buffer = Buffer.alloc(0);
  while (reader.pos < reader.len) {
    const [shared, unshared, length] = [reader.uint32(), reader.uint32(), reader.uint32()];
    if (shared > key.byteLength) throw damaged(path, "a key shares more bytes than the previous key has");
    const begin = reader.pos;
    reader.skip(unshared).skip(length);
    take(ENTRY_BYTES + shared + unshared);
    key = Buffer.concat([key.subarray(0, shared), block.subarray(begin, begin + unshared)]);
    yield { key, value: block.subarray(begin + unshared, begin + unshared + length) };
  }
}
