import { type Storage, storageOf, torchGlobals } from "./tensors.ts";
import type { PickleContext } from "./unpickle.ts";

/** Where a storage's bytes lie in the file. */
export interface Place {
  begin: number;
  end: number;
  /** CRC-32 of the bytes, where the file has it. */
  checksum?: number;
}

/** A file of `torch.save`, in either form, as far as it goes without reading data. */
export interface Layout {
  /** For people. */
  format: string;
  /** What was saved, with tensors as descriptions. */
  value: unknown;
  /** By the storages' keys; for every storage that `value` refers to. */
  places: ReadonlyMap<string, Place>;
}

/** No state of a model without its data comes near; that of BERT-large has 50 KB. */
export const PICKLE_LIMIT_BYTES = 32 * 1024 * 1024;

/** What a pickle of weights may refer to; every storage that it does is added to `storages`. */
export function torchContext(path: string, storages: Storage[]): PickleContext {
  return {
    path,
    globals: torchGlobals(path),
    persistent: (id) => {
      const storage = storageOf(path, id);
      storages.push(storage);
      return storage;
    },
  };
}
