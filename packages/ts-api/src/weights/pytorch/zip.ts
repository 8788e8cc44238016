import { crc32 } from "node:zlib";
import type { Entry } from "yauzl";
import { FinetagError } from "../../errors/index.ts";
import type { Archive } from "../../io/index.ts";
import { DTYPE_BYTES } from "../dtypes.ts";
import type { InputFile } from "../input.ts";
import { checkDisjoint, damaged } from "../tensors.ts";
import { type Layout, PICKLE_LIMIT_BYTES, type Place, torchContext } from "./layout.ts";
import { type Storage, storageName } from "./tensors.ts";
import { unpickle } from "./unpickle.ts";

/**
 * Reads the form of PyTorch 1.6 and later: a zip archive of `NAME/data.pkl`, `NAME/data/KEY` for each storage, and
 * `NAME/byteorder`, all stored as they are (torch/serialization.py, caffe2/serialize/inline_container.cc).
 *
 * @throws ERR_FINETAG_MODEL for an archive that torch did not write.
 */
export async function readZip(file: InputFile): Promise<Layout> {
  const { withArchive } = await import("../../io/archive.ts"); // loads yauzl
  return withArchive(file, async (archive) => {
    const { entries } = archive;
    const pickle = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
    if (pickle.length !== 1)
      throw damaged(file.path, `it has ${pickle.length} entries named data.pkl, not 1`);
    const root = pickle[0]!.slice(0, -"data.pkl".length);
    const order = entries.get(`${root}byteorder`);
    if (order !== undefined) await checkByteOrder(file, archive, order);
    const storages: Storage[] = [];
    const bytes = await readSmallEntry(file, archive, entries.get(pickle[0]!)!, PICKLE_LIMIT_BYTES);
    const { value } = unpickle(bytes, 0, torchContext(file.path, storages));
    const places = new Map<string, Place>();
    for (const storage of storages) {
      const { key } = storage;
      const entry = entries.get(`${root}data/${key}`);
      if (!places.has(key)) places.set(key, await placeOf(file, archive, entry, storageName(key)));
      checkSize(file, storage, places.get(key)!);
    }
    checkDisjoint(
      file.path,
      [...places].map(([key, place]) => ({ name: storageName(key), ...place })),
    );
    return { format: "PyTorch", value, places };
  });
}

async function checkByteOrder(file: InputFile, archive: Archive, entry: Entry): Promise<void> {
  const order = new TextDecoder().decode(await readSmallEntry(file, archive, entry, 16));
  if (order === "little") return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${file.path}: its numbers are in byte order ${JSON.stringify(order)}, which finetag does not read; save it again on a ` +
      "little-endian machine",
  );
}

async function readSmallEntry(
  file: InputFile,
  archive: Archive,
  entry: Entry,
  limit: number,
): Promise<Uint8Array> {
  const name = entry.fileName;
  if (entry.uncompressedSize > limit) {
    throw damaged(
      file.path,
      `${JSON.stringify(name)} claims ${entry.uncompressedSize} bytes, more than it can have`,
    );
  }
  const { begin, end, checksum } = await placeOf(file, archive, entry, name);
  const bytes = await file.read(begin, end);
  if (crc32(bytes) === checksum) return bytes;
  throw damaged(
    file.path,
    `the checksum of ${JSON.stringify(name)} is wrong, as it also is after torch.serialization.set_crc32_options(False)`,
  );
}

/** @param name For messages: of what the entry is. */
async function placeOf(
  file: InputFile,
  archive: Archive,
  entry: Entry | undefined,
  name: string,
): Promise<Required<Place>> {
  if (entry === undefined) throw damaged(file.path, `the data of ${name} is missing`);
  if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${file.path}: ${JSON.stringify(entry.fileName)} is compressed or encrypted, which torch.save never does; save the model again with torch.save`,
    );
  }
  const begin = await archive.dataStart(entry);
  return { begin, end: begin + entry.uncompressedSize, checksum: entry.crc32 };
}

function checkSize({ path }: InputFile, { key, dtype, elements }: Storage, { begin, end }: Place): void {
  if (elements * DTYPE_BYTES[dtype]! === end - begin) return;
  throw damaged(path, `${storageName(key)} of ${elements} ${dtype} has ${end - begin} bytes`);
}
