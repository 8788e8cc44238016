import protobuf from "protobufjs/light.js";
import { DTYPE_BYTES } from "../dtypes.ts";
import { countElements, damaged, isCount, isShape } from "../tensors.ts";

/**
 * The part of TensorFlow's tensor_bundle.proto, tensor_shape.proto and versions.proto that places tensors, with their
 * field numbers.
 */
const root = protobuf.Root.fromJSON({
  nested: {
    Header: {
      fields: {
        numShards: { type: "int32", id: 1 },
        endianness: { type: "int32", id: 2 },
        version: { type: "Version", id: 3 },
      },
    },
    Version: { fields: { minConsumer: { type: "int32", id: 2 } } },
    Entry: {
      fields: {
        dtype: { type: "int32", id: 1 },
        shape: { type: "Shape", id: 2 },
        shardId: { type: "int32", id: 3 },
        offset: { type: "int64", id: 4 },
        size: { type: "int64", id: 5 },
        crc32c: { type: "fixed32", id: 6 },
        slices: { rule: "repeated", type: "bytes", id: 7 },
      },
    },
    Shape: {
      fields: { dim: { rule: "repeated", type: "Dimension", id: 2 }, unknownRank: { type: "bool", id: 3 } },
      nested: { Dimension: { fields: { size: { type: "int64", id: 1 } } } },
    },
  },
});
const headerType = root.lookupType("Header");
const entryType = root.lookupType("Entry");
const CONVERSION = { longs: Number, defaults: true, arrays: true };

/** What the entry without a name says of the whole checkpoint. */
export interface BundleHeader {
  /** Number of data files. */
  shards: number;
}

/** Where a variable is. */
export interface BundleEntry {
  /** As safetensors writes it; undefined for strings, resources and the like. */
  dtype: string | undefined;
  shape: number[];
  shard: number;
  /** In its shard. */
  begin: number;
  end: number;
  /** Masked CRC32C of its bytes. */
  checksum: number;
  /** In parts, each a tensor of its own. */
  sliced: boolean;
}

/** By the numbers of tensorflow/core/framework/types.proto. */
const DTYPES: Readonly<Record<number, string>> = {
  1: "F32",
  2: "F64",
  3: "I32",
  4: "U8",
  5: "I16",
  6: "I8",
  8: "C64",
  9: "I64",
  10: "BOOL",
  14: "BF16",
  17: "U16",
  19: "F16",
  22: "U32",
  23: "U64",
};

/** Of the format: TensorFlow 1 and 2 write 1 and ask for 0. */
const VERSION = 1;

/** TensorFlow's names have five digits for it. */
const SHARDS_LIMIT = 99_999;

/** A variable in a thousand parts takes some 20 KB. Decoded, two bytes of an entry can become a hundred. */
const ENTRY_LIMIT_BYTES = 64 * 1024;

/** @throws ERR_FINETAG_MODEL for a byte order or version that finetag does not read. */
export function decodeHeader(path: string, bytes: Uint8Array): BundleHeader {
  const { numShards, endianness, version } = headerType.toObject(headerType.decode(bytes), CONVERSION) as {
    numShards: number;
    endianness: number;
    version: { minConsumer: number } | null;
  };
  if (endianness !== 0) throw damaged(path, "its numbers are big-endian, which finetag does not read");
  if ((version?.minConsumer ?? 0) > VERSION) {
    throw damaged(
      path,
      `it needs a reader of version ${version!.minConsumer}, and finetag reads version ${VERSION}`,
    );
  }
  if (numShards < 1 || numShards > SHARDS_LIMIT) throw damaged(path, `it claims ${numShards} data files`);
  return { shards: numShards };
}

/**
 * Decodes and checks what an entry says, as far as that needs no data file.
 *
 * @throws ERR_FINETAG_MODEL that names the variable.
 */
export function decodeEntry(
  path: string,
  name: string,
  bytes: Uint8Array,
  { shards }: BundleHeader,
): BundleEntry {
  const bad = (what: string) => damaged(path, `variable ${JSON.stringify(name)} ${what}`);
  if (bytes.byteLength > ENTRY_LIMIT_BYTES) throw bad(`takes ${bytes.byteLength} bytes to describe`);
  const { dtype, shape, shardId, offset, size, crc32c, slices } = entryType.toObject(
    entryType.decode(bytes),
    CONVERSION,
  ) as {
    dtype: number;
    shape: { dim: { size: number }[]; unknownRank: boolean } | null;
    shardId: number;
    offset: number;
    size: number;
    crc32c: number;
    slices: unknown[];
  };
  const sizes = shape?.dim.map((dimension) => dimension.size) ?? [];
  if (shape?.unknownRank || !isShape(sizes)) throw bad("has a shape that is not a list of up to 64 counts");
  if (!isCount(offset) || !isCount(size) || !isCount(offset + size)) throw bad("has no place in a file");
  if (shardId < 0 || shardId >= shards) throw bad(`is in data file ${shardId} of ${shards}`);
  const known = DTYPES[dtype];
  const sliced = slices.length > 0;
  if (known !== undefined && !sliced) {
    const expected = countElements(sizes) * DTYPE_BYTES[known]!;
    if (expected !== size) {
      throw bad(`of ${known} [${sizes.join(", ")}] needs ${expected} bytes and has ${size}`);
    }
  }
  return {
    dtype: known,
    shape: sizes,
    shard: shardId,
    begin: offset,
    end: offset + size,
    checksum: crc32c >>> 0,
    sliced,
  };
}
