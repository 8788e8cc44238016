import { crc32 } from "node:zlib";
import { DTYPE_BYTES } from "../dtypes.ts";
import { foreign, isSafetensors, isZip, readStart } from "../foreign.ts";
import { InputFile } from "../input.ts";
import { isContiguous, toRowMajor } from "../strided.ts";
import {
  damaged,
  findTensor,
  inParts,
  type TensorEntry,
  type TensorFile,
  type TensorPart,
  toFloatParts,
  toFloats,
} from "../tensors.ts";
import type { Layout, Place } from "./layout.ts";
import { LEGACY_START, readLegacy } from "./legacy.ts";
import { findTensors } from "./state-dict.ts";
import { checkUnrepeated, type Tensor } from "./tensors.ts";
import { readZip } from "./zip.ts";

/**
 * Opens a state dict that `torch.save` wrote, alone or within a training program's checkpoint, in the zip form of
 * PyTorch 1.6 and later or the older one.
 *
 * The pickle in it is read by a machine that knows tensors and plain containers; anything else in it is refused by
 * name, and nothing is run. Only tensors that lie in the file can be read, whatever sizes and strides they claim.
 *
 * @throws ERR_FINETAG_MODEL for a file that is damaged, asks for other classes, or holds no tensors.
 */
export function openPytorch(path: string): Promise<TensorFile> {
  return InputFile.start(path, async (file) => {
    const layout = await readLayout(file);
    return new PytorchFile(file, layout, findTensors(path, layout.value));
  });
}

async function readLayout(file: InputFile): Promise<Layout> {
  const { size } = file;
  const start = await readStart(file);
  if (isZip({ start })) return readZip(file);
  // The length of a safetensors header may begin with the byte with which all pickles do.
  if (start[0] === LEGACY_START && !isSafetensors({ start, size })) return readLegacy(file);
  throw await foreign(file, "it does not begin like a file of torch.save");
}

class PytorchFile implements TensorFile {
  readonly format: string;
  readonly metadata = {};
  readonly #file: InputFile;
  readonly #places: ReadonlyMap<string, Place>;
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #verified = new Map<Place, Promise<void>>();

  constructor(file: InputFile, layout: Layout, tensors: ReadonlyMap<string, Tensor>) {
    this.format = layout.format;
    this.#file = file;
    this.#places = layout.places;
    this.#tensors = tensors;
  }

  get files(): TensorFile["files"] {
    return [{ path: this.#file.path, bytes: this.#file.size }];
  }

  entries(): TensorEntry[] {
    return [...this.#tensors].map(([name, tensor]) => describe(name, tensor));
  }

  async read(name: string): Promise<Float32Array> {
    const tensor = findTensor(this.#file.path, this.#tensors, name);
    return toFloats(this.#file.path, describe(name, tensor), await this.readBytes(name));
  }

  async readBytes(name: string): Promise<Uint8Array> {
    const tensor = findTensor(this.#file.path, this.#tensors, name);
    checkUnrepeated(this.#file.path, name, tensor);
    const place = this.#places.get(tensor.storage.key)!;
    const begin = place.begin + tensor.range.begin;
    const end = place.begin + tensor.range.end;
    const isWhole = begin === place.begin && end === place.end;
    if (!isWhole) await this.#verifyOnce(place);
    const bytes = isWhole ? await this.#readWhole(place) : await this.#file.read(begin, end);
    return isContiguous(tensor) ? bytes : toRowMajor(bytes, DTYPE_BYTES[tensor.storage.dtype]!, tensor);
  }

  readParts(name: string): AsyncIterable<TensorPart> {
    const tensor = findTensor(this.#file.path, this.#tensors, name);
    const place = this.#places.get(tensor.storage.key)!;
    const { begin, end } = tensor.range;
    const isWhole = begin === 0 && end === place.end - place.begin;
    if (!isWhole || !isContiguous(tensor)) return inParts(() => this.read(name));
    return toFloatParts(this.#file.path, describe(name, tensor), this.#checkedPieces(place));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #readWhole(place: Place): Promise<Uint8Array> {
    let sum = 0;
    const bytes = await this.#file.read(place.begin, place.end, (piece) => {
      if (place.checksum !== undefined) sum = crc32(piece, sum);
    });
    this.#compare(place, sum);
    return bytes;
  }

  /** The checksum is that of the whole storage, whatever part of it is read. */
  async #verifyOnce(place: Place): Promise<void> {
    if (place.checksum === undefined) return;
    if (!this.#verified.has(place)) this.#verified.set(place, this.#verify(place));
    await this.#verified.get(place);
  }

  async #verify(place: Place): Promise<void> {
    for await (const _ of this.#checkedPieces(place)) {
      // Looking at them is all.
    }
  }

  async *#checkedPieces(place: Place): AsyncGenerator<Uint8Array, void> {
    let sum = 0;
    for await (const piece of this.#file.pieces(place.begin, place.end)) {
      if (place.checksum !== undefined) sum = crc32(piece, sum);
      yield piece;
    }
    this.#compare(place, sum);
  }

  #compare({ begin, checksum }: Place, sum: number): void {
    if (checksum === undefined || checksum === sum) return;
    throw damaged(this.#file.path, `the checksum of the data at byte ${begin} is wrong`);
  }
}

function describe(name: string, { shape, storage }: Tensor): TensorEntry {
  return { name, dtype: storage.dtype, shape };
}
