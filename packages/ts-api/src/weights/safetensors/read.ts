import { foreign, isSafetensors } from "../foreign.ts";
import { InputFile } from "../input.ts";
import {
  findTensor,
  type TensorEntry,
  type TensorFile,
  type TensorPart,
  toFloatParts,
  toFloats,
} from "../tensors.ts";
import { HEADER_LIMIT_BYTES, type PlacedEntry, parseHeader } from "./header.ts";

const LENGTH_BYTES = 8;

/**
 * Opens one safetensors file. Nothing is allocated before the header's own claims are checked against the file size,
 * and no tensor can be larger than the file.
 *
 * @throws ERR_FINETAG_MODEL for a file that is not whole or not safetensors; ERR_FINETAG_IO where it cannot be read.
 */
export function openSafetensors(path: string): Promise<TensorFile> {
  return InputFile.start(path, readHeader);
}

async function readHeader(file: InputFile): Promise<TensorFile> {
  const { path, size } = file;
  if (size < LENGTH_BYTES)
    throw await notSafetensors(file, `truncated: ${size} bytes are too few for a safetensors file`);
  const lengthBytes = await file.read(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT_BYTES)) {
    throw await notSafetensors(
      file,
      `not a safetensors file, or its header length of ${length} bytes is wrong`,
    );
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > size) {
    throw await notSafetensors(
      file,
      `truncated: it has ${size} bytes, but its header alone should have ${length}`,
    );
  }
  const text = decodeHeader(await file.read(LENGTH_BYTES, dataStart));
  if (text === undefined) throw await notSafetensors(file, "the safetensors header is not UTF-8");
  const { entries, metadata } = parseHeader(path, text, size - dataStart);
  return new SafetensorsFile(file, dataStart, entries, metadata);
}

function notSafetensors(file: InputFile, otherwise: string) {
  return foreign(file, otherwise, isSafetensors);
}

function decodeHeader(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

class SafetensorsFile implements TensorFile {
  readonly format = "safetensors";
  readonly metadata: Record<string, string>;
  readonly #file: InputFile;
  readonly #dataStart: number;
  readonly #entries: Map<string, PlacedEntry>;

  constructor(file: InputFile, dataStart: number, entries: PlacedEntry[], metadata: Record<string, string>) {
    this.#file = file;
    this.#dataStart = dataStart;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.metadata = metadata;
  }

  get files(): TensorFile["files"] {
    return [{ path: this.#file.path, bytes: this.#file.size }];
  }

  entries(): TensorEntry[] {
    return [...this.#entries.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  }

  async read(name: string): Promise<Float32Array> {
    return toFloats(this.#file.path, this.#find(name), await this.readBytes(name));
  }

  async readBytes(name: string): Promise<Uint8Array> {
    const { begin, end } = this.#find(name);
    return this.#file.read(this.#dataStart + begin, this.#dataStart + end);
  }

  readParts(name: string): AsyncIterable<TensorPart> {
    const entry = this.#find(name);
    const pieces = this.#file.pieces(this.#dataStart + entry.begin, this.#dataStart + entry.end);
    return toFloatParts(this.#file.path, entry, pieces);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #find(name: string): PlacedEntry {
    return findTensor(this.#file.path, this.#entries, name);
  }
}
