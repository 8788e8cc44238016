import { FinetagError } from "../../errors/index.ts";
import { DTYPE_BYTES } from "../dtypes.ts";
import type { InputFile } from "../input.ts";
import { damaged } from "../tensors.ts";
import { type Layout, PICKLE_LIMIT_BYTES, type Place, torchContext } from "./layout.ts";
import { type Storage, storageName } from "./tensors.ts";
import { type PickleContext, PickleEndError, unpickle } from "./unpickle.ts";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** The opcode PROTO, with which a pickle begins. */
export const LEGACY_START = 0x80;

/**
 * Reads the form before PyTorch 1.6 (torch/serialization.py, `_legacy_load`): five pickles (magic number, protocol,
 * what machine it was, the value, the storages' keys), then for each key the number of elements (int64) and the elements.
 *
 * @throws ERR_FINETAG_MODEL for a file that torch did not write, or is cut off.
 */
export async function readLegacy(file: InputFile): Promise<Layout> {
  const { value, keys, storages, end } = await readPickles(file);
  const byKey = new Map(storages.map((storage) => [storage.key, storage]));
  const places = new Map<string, Place>();
  let position = end;
  for (const key of keys) {
    const storage = byKey.get(key);
    if (storage === undefined || places.has(key)) {
      throw damaged(file.path, `the data of ${storageName(key)} belongs to no tensor, or appears twice`);
    }
    const length = await file.read(position, position + 8);
    const elements = Number(new DataView(length.buffer).getBigInt64(0, true));
    const begin = position + 8;
    position = begin + elements * DTYPE_BYTES[storage.dtype]!;
    if (!(elements >= 0 && position <= file.size)) {
      throw damaged(file.path, `truncated: ${storageName(key)} claims ${elements} elements`);
    }
    places.set(key, { begin, end: position });
  }
  for (const storage of storages) checkSize(file, storage, places.get(storage.key));
  return { format: "PyTorch (form before 1.6)", value, places };
}

function checkSize(
  { path }: InputFile,
  { key, dtype, offset, elements }: Storage,
  place: Place | undefined,
): void {
  if (place === undefined) throw damaged(path, `the data of ${storageName(key)} is missing`);
  const needed = (offset + elements) * DTYPE_BYTES[dtype]!;
  if (needed > place.end - place.begin) {
    throw damaged(path, `${storageName(key)} of ${elements} ${dtype} has ${place.end - place.begin} bytes`);
  }
}

interface Pickles {
  value: unknown;
  keys: string[];
  storages: Storage[];
  /** Where the storages begin. */
  end: number;
}

/** Nothing says how long the pickles are, so the file's beginning is read, and more of it where that is too short. */
async function readPickles(file: InputFile): Promise<Pickles> {
  for (let length = 1 << 20; ; length *= 4) {
    const known = Math.min(length, file.size);
    try {
      return parsePickles(file.path, await file.read(0, known));
    } catch (error) {
      if (!(error instanceof PickleEndError)) throw error;
      if (known === file.size || length >= PICKLE_LIMIT_BYTES) throw damaged(file.path, error.message);
    }
  }
}

function parsePickles(path: string, bytes: Uint8Array): Pickles {
  const storages: Storage[] = [];
  const plain: PickleContext = { path, globals: new Map() };
  let end = 0;
  const next = (context = plain): unknown => {
    const pickle = unpickle(bytes, end, context);
    end = pickle.end;
    return pickle.value;
  };
  if (next() !== MAGIC) throw damaged(path, "it does not begin like a file of torch.save");
  const protocol = next();
  if (protocol !== PROTOCOL) throw damaged(path, `its protocol is ${String(protocol)}, not ${PROTOCOL}`);
  checkMachine(path, next());
  const value = next(torchContext(path, storages));
  const keys = next();
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
    throw damaged(path, "the list of its storages is not a list of keys");
  }
  return { value, keys, storages, end };
}

function checkMachine(path: string, machine: unknown): void {
  if (machine instanceof Map && machine.get("little_endian") === true) return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: its numbers are not little-endian, which finetag does not read; save it again on a little-endian machine`,
  );
}
