import { type FileHandle, open } from "node:fs/promises";
import { FinetagError } from "../errors/index.ts";
import { ioError } from "../io/index.ts";
import { toFloat32 } from "./dtypes.ts";
import { HEADER_LIMIT_BYTES, invalid, type PlacedEntry, parseHeader, type TensorEntry } from "./header.ts";

/** Tensors of one file, or of several that make one model; each is read when it is asked for. */
export interface TensorFile {
  entries(): TensorEntry[];
  readonly metadata: Record<string, string>;
  /**
   * Row-major elements as float32, from F32, F16, BF16 (exact) or F64 (rounded to nearest).
   * @throws ERR_FINETAG_MODEL for an unknown name or another dtype.
   */
  read(name: string): Promise<Float32Array>;
  /** Little-endian bytes of any dtype. */
  readBytes(name: string): Promise<Uint8Array>;
  /** May be called again. */
  close(): Promise<void>;
}

const LENGTH_BYTES = 8;
const READ_CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Opens one safetensors file. Nothing is allocated before the header's own claims are checked against the file size,
 * and no tensor can be larger than the file.
 *
 * @throws ERR_FINETAG_MODEL for a file that is not whole or not safetensors; ERR_FINETAG_IO where it cannot be read.
 */
export async function openSafetensors(path: string): Promise<TensorFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    return await readHeader(path, handle);
  } catch (error) {
    await handle?.close();
    throw ioError(error, "read", path);
  }
}

async function readHeader(path: string, handle: FileHandle): Promise<TensorFile> {
  const { size } = await handle.stat();
  if (size < LENGTH_BYTES) throw invalid(path, `truncated: ${size} bytes are too few for a safetensors file`);
  const lengthBytes = await readRange(path, handle, 0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  if (length > BigInt(HEADER_LIMIT_BYTES)) {
    throw invalid(path, `not a safetensors file, or its header length of ${length} bytes is a lie`);
  }
  const dataStart = LENGTH_BYTES + Number(length);
  if (dataStart > size) {
    throw invalid(path, `truncated: a header of ${length} bytes is promised in a file of ${size} bytes`);
  }
  const text = decodeHeader(path, await readRange(path, handle, LENGTH_BYTES, dataStart));
  const { entries, metadata } = parseHeader(path, text, size - dataStart);
  return new SafetensorsFile(path, handle, dataStart, entries, metadata);
}

function decodeHeader(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid(path, "the safetensors header is not UTF-8");
  }
}

class SafetensorsFile implements TensorFile {
  readonly metadata: Record<string, string>;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #dataStart: number;
  readonly #entries: Map<string, PlacedEntry>;
  #closed: Promise<void> | undefined;

  constructor(
    path: string,
    handle: FileHandle,
    dataStart: number,
    entries: PlacedEntry[],
    metadata: Record<string, string>,
  ) {
    this.#path = path;
    this.#handle = handle;
    this.#dataStart = dataStart;
    this.#entries = new Map(entries.map((entry) => [entry.name, entry]));
    this.metadata = metadata;
  }

  entries(): TensorEntry[] {
    return [...this.#entries.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  }

  async read(name: string): Promise<Float32Array> {
    const { dtype } = this.#find(name);
    const data = toFloat32(dtype, await this.readBytes(name));
    if (data !== undefined) return data;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${this.#path}: tensor "${name}" is ${dtype}, not a float; save the model as F32, F16 or BF16`,
    );
  }

  async readBytes(name: string): Promise<Uint8Array> {
    const { begin, end } = this.#find(name);
    try {
      return await readRange(this.#path, this.#handle, this.#dataStart + begin, this.#dataStart + end);
    } catch (error) {
      throw ioError(error, "read", this.#path);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#handle.close();
    return this.#closed;
  }

  #find(name: string): PlacedEntry {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new FinetagError("ERR_FINETAG_MODEL", `${this.#path}: there is no tensor "${name}" in it`);
    }
    return entry;
  }
}

/** Bytes `[begin, end)` in a buffer of their own. */
async function readRange(path: string, handle: FileHandle, begin: number, end: number): Promise<Uint8Array> {
  const bytes = allocate(path, end - begin);
  for (let offset = 0; offset < bytes.byteLength; ) {
    const length = Math.min(READ_CHUNK_BYTES, bytes.byteLength - offset);
    const { bytesRead } = await handle.read(bytes, offset, length, begin + offset);
    if (bytesRead === 0) throw invalid(path, "the file became shorter while it was read");
    offset += bytesRead;
  }
  return bytes;
}

function allocate(path: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw new FinetagError(
      "ERR_FINETAG_OUT_OF_MEMORY",
      `${path}: a tensor of ${length} bytes does not fit into memory; use a smaller model or a larger machine`,
      { cause: error },
    );
  }
}
