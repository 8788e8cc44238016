import { DTYPE_BYTES } from "../dtypes.ts";
import { type Layout, spanOf } from "../strided.ts";
import { countElements, damaged, isCount, isShape } from "../tensors.ts";
import type { Known } from "./unpickle.ts";

/** A storage as a pickle refers to it: elements of one dtype that lie somewhere else in the file. */
export class Storage {
  readonly dtype: string;
  /** Its name in the file. */
  readonly key: string;
  /** Elements of the whole storage under this key; unknown where the pickle has only those of a view of it. */
  readonly elements: number;
  /** Where a view begins, in elements; 0 for the whole. Only the older form has views. */
  readonly offset: number;

  constructor(dtype: string, key: string, elements: number, offset: number) {
    this.dtype = dtype;
    this.key = key;
    this.elements = elements;
    this.offset = offset;
  }
}

/** For messages. */
export function storageName(key: string): string {
  return `storage ${JSON.stringify(key)}`;
}

/** A tensor as a pickle describes it. */
export class Tensor implements Layout {
  readonly storage: Storage;
  /** Of the first element, in elements of the storage's key. */
  readonly offset: number;
  readonly shape: number[];
  readonly stride: number[];

  constructor(storage: Storage, offset: number, shape: number[], stride: number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }

  /** In bytes of the storage's key. */
  get range(): { begin: number; end: number } {
    const itemBytes = DTYPE_BYTES[this.storage.dtype]!;
    return { begin: this.offset * itemBytes, end: (this.offset + spanOf(this)) * itemBytes };
  }
}

const STORAGES: Readonly<Record<string, string>> = {
  FloatStorage: "F32",
  DoubleStorage: "F64",
  HalfStorage: "F16",
  BFloat16Storage: "BF16",
  LongStorage: "I64",
  IntStorage: "I32",
  ShortStorage: "I16",
  CharStorage: "I8",
  ByteStorage: "U8",
  BoolStorage: "BOOL",
};

/** Of all OrderedDicts made of lists: each call copies its list, and a pickle can hand over the same one again. */
const PAIRS_LIMIT = 500_000;

interface StorageClass extends Known {
  dtype: string;
}

/** All that a pickle of weights may name; see {@link Known}. */
export function torchGlobals(path: string): ReadonlyMap<string, Known> {
  const rebuild = (args: unknown[]) => rebuildTensor(path, args);
  let pairs = 0;
  const orderedDict = (args: unknown[]) => {
    const items = pairsOf(path, args);
    pairs += items.length;
    if (pairs > PAIRS_LIMIT) throw damaged(path, "the pickle builds more objects than any model's");
    return new Map(items);
  };
  const known: Known[] = [
    { global: "collections.OrderedDict", call: orderedDict },
    { global: "torch._utils._rebuild_tensor", call: rebuild },
    { global: "torch._utils._rebuild_tensor_v2", call: rebuild },
    { global: "torch._utils._rebuild_parameter", call: ([data]) => data },
    { global: "torch._utils._rebuild_parameter_with_state", call: ([data]) => data },
    ...Object.entries(STORAGES).map(([name, dtype]): StorageClass => ({ global: `torch.${name}`, dtype })),
  ];
  return new Map(known.map((entry) => [entry.global, entry]));
}

/** Of `OrderedDict()`, or of one of a list of pairs, as Python 2 wrote it. */
function pairsOf(path: string, [items = []]: unknown[]): [unknown, unknown][] {
  const isPairs =
    Array.isArray(items) &&
    items.length <= PAIRS_LIMIT &&
    items.every((item) => Array.isArray(item) && item.length === 2);
  if (!isPairs) throw damaged(path, "an OrderedDict is made of something other than a list of pairs");
  return items as [unknown, unknown][];
}

/** Of `(storage, offset, size, stride, …)`; what follows (gradient, hooks) is no part of the data. */
function rebuildTensor(path: string, [storage, offset, shape, stride]: unknown[]): Tensor {
  if (!(storage instanceof Storage) || !isCount(offset) || !isShape(shape) || !isShape(stride)) {
    throw damaged(path, "a tensor is not described by a storage, an offset, sizes and strides");
  }
  const tensor = new Tensor(storage, storage.offset + offset, shape, stride);
  const shown = () => `a tensor of sizes [${shape.join(", ")}] and strides [${stride.join(", ")}]`;
  if (shape.length !== stride.length) throw damaged(path, `${shown()} has more of one than of the other`);
  if (!(offset + spanOf(tensor) <= storage.elements)) {
    throw damaged(
      path,
      `${shown()} at ${offset} does not fit into its storage of ${storage.elements} elements`,
    );
  }
  return tensor;
}

/**
 * A tensor that repeats its elements (stride 0) can be larger than what the file holds. Buffers of a model are, and may
 * stand in a file; its weights are not, and only what is no larger is read.
 */
export function checkUnrepeated(path: string, name: string, { shape, storage }: Tensor): void {
  if (countElements(shape) <= storage.elements) return;
  throw damaged(
    path,
    `tensor ${JSON.stringify(name)} of sizes [${shape.join(", ")}] repeats its storage of ${storage.elements} elements`,
  );
}

/**
 * The storage that a persistent id stands for: `("storage", class, key, location, elements)`, and in the older form a
 * sixth item, `None` or the view `(key, offset, elements)` of that storage.
 */
export function storageOf(path: string, id: unknown): Storage {
  const [kind, type, key, , elements, view = null] = Array.isArray(id) ? id : [];
  const dtype = (type as Partial<StorageClass> | null | undefined)?.dtype;
  if (kind !== "storage" || dtype === undefined || typeof key !== "string" || !isCount(elements)) {
    throw damaged(path, "a storage is not described by class, key and size");
  }
  if (view === null) return new Storage(dtype, key, elements, 0);
  const [, offset, viewElements] = Array.isArray(view) ? view : [];
  if (!isCount(offset) || !isCount(viewElements)) throw damaged(path, "a view of a storage has no bounds");
  return new Storage(dtype, key, viewElements, offset);
}
