/**
 * Checksums that fit what was damaged, so that readers meet the damage itself. Written for files that need not make sense:
 * what cannot be found in them is left as it is.
 */
import { crc32 } from "node:zlib";
import protobuf from "protobufjs/light.js";
import { uncompressSync } from "snappy";
import { maskedCrc32c } from "../../src/io/index.ts";
import type { Files } from "../damage.ts";

const KIND_AND_CHECKSUM_BYTES = 5;
const FOOTER_BYTES = 48;
const PACKED = 1;
const UNPACKED_LIMIT_BYTES = 1 << 20;

/** A TensorFlow checkpoint of one data file: the checksums of its blocks, and of its variables so far as those are not packed. */
export function sealTensorflow(files: Files): Files {
  const name = Object.keys(files).find((file) => file.endsWith(".index"))!;
  const data = Object.entries(files).find(([file]) => file.includes(".data-"))![1];
  const table = Buffer.from(files[name]!);
  const footer = table.subarray(Math.max(0, table.length - FOOTER_BYTES));
  const [, index] = handlesOf(footer);
  for (const value of valuesOf(table, index)) {
    const [handle] = handlesOf(value);
    for (const entry of valuesOf(table, handle)) sealVariable(entry, data);
    sealBlock(table, handle);
  }
  sealBlock(table, index);
  return { ...files, [name]: table };
}

interface Handle {
  begin: number;
  end: number;
}

/** The first two, where there are as many. */
function handlesOf(bytes: Buffer): (Handle | undefined)[] {
  const reader = protobuf.Reader.create(bytes);
  const handles: Handle[] = [];
  attempt(() => {
    while (handles.length < 2) {
      const begin = Number(reader.uint64());
      handles.push({ begin, end: begin + Number(reader.uint64()) });
    }
  });
  return handles;
}

/** The values of a block; of one that is not packed, each is a view of the table. */
function valuesOf(table: Buffer, handle: Handle | undefined): Buffer[] {
  const values: Buffer[] = [];
  if (handle === undefined || !(handle.end < table.length)) return values;
  attempt(() => {
    const stored = table.subarray(handle.begin, handle.end);
    const block = table[handle.end] === PACKED ? unpack(stored) : stored;
    const end = block.length - 4 * (block.readUInt32LE(block.length - 4) + 1);
    const reader = protobuf.Reader.create(block.subarray(0, end));
    while (reader.pos < reader.len) {
      reader.uint32(); // bytes that the key shares
      const [unshared, length] = [reader.uint32(), reader.uint32()];
      reader.skip(unshared).skip(length);
      values.push(block.subarray(reader.pos - length, reader.pos));
    }
  });
  return values;
}

function unpack(packed: Buffer): Buffer {
  const length = protobuf.Reader.create(packed).uint32();
  if (length > UNPACKED_LIMIT_BYTES) throw new RangeError(`a block of ${length} bytes`);
  return uncompressSync(packed) as Buffer;
}

/** Texts, whose checksum is not one of their bytes alone. */
const DT_STRING = 7;

/** Fields of tensor_bundle.proto's BundleEntryProto. */
const DTYPE = 1;
const OFFSET = 4;
const SIZE = 5;
const CHECKSUM = 6;

function sealVariable(entry: Buffer, data: Uint8Array): void {
  const reader = protobuf.Reader.create(entry);
  const found: Record<number, number> = {};
  attempt(() => {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = tag >>> 3;
      if (field === DTYPE || field === OFFSET || field === SIZE) found[field] = Number(reader.uint64());
      else {
        found[field] = reader.pos;
        reader.skipType(tag & 7);
      }
    }
  });
  const { [OFFSET]: begin = 0, [SIZE]: size = 0, [CHECKSUM]: at } = found;
  if (at === undefined || found[DTYPE] === DT_STRING || at + 4 > entry.length || begin + size > data.length)
    return;
  entry.writeUInt32LE(maskedCrc32c(data.subarray(begin, begin + size)), at);
}

function sealBlock(table: Buffer, handle: Handle | undefined): void {
  if (handle === undefined || !(handle.end + KIND_AND_CHECKSUM_BYTES <= table.length)) return;
  table.writeUInt32LE(maskedCrc32c(table.subarray(handle.begin, handle.end + 1)), handle.end + 1);
}

/** A zip archive: the checksum of each of its entries that is stored as it is. */
export function sealZip(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, sealArchive(bytes)]));
}

/** In the record of an entry in the archive's list (APPNOTE.TXT, 4.3.12), and in the one before its bytes (4.3.7). */
const LISTED = "PK\x01\x02";
const LISTED_BYTES = 46;
const LOCAL_BYTES = 30;

function sealArchive(bytes: Uint8Array): Buffer {
  const archive = Buffer.from(bytes);
  for (let at = archive.indexOf(LISTED); at !== -1; at = archive.indexOf(LISTED, at + 1)) {
    if (at + LISTED_BYTES > archive.length) break;
    const local = archive.readUInt32LE(at + 42);
    if (local + LOCAL_BYTES > archive.length) continue;
    const begin = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const end = begin + archive.readUInt32LE(at + 24);
    if (end <= archive.length) archive.writeUInt32LE(crc32(archive.subarray(begin, end)), at + 16);
  }
  return archive;
}

/** As far as that can be read. */
function attempt(read: () => void): void {
  try {
    read();
  } catch {
    // The damage; what was found before it counts.
  }
}
