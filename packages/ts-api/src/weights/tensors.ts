import { FinetagError } from "../errors/index.ts";
import { toFloat32 } from "./dtypes.ts";

/** A tensor of a file, as its header describes it. */
export interface TensorEntry {
  /** As Hugging Face names it, so far as the file's naming is known. */
  name: string;
  /** As safetensors writes it: `F32`, `BF16`, `I64`, … */
  dtype: string;
  /** As PyTorch has it: a linear layer's weight is [out, in], whatever the file's order. */
  shape: number[];
  /** The name in the file, where that is another one. */
  source?: string;
}

/** A part of a tensor; those before it came before. */
export interface TensorPart {
  /** Overwritten once the next part is asked for. */
  data: Float32Array;
  /** Elements before it. */
  begin: number;
  /** The file has the matrix's transpose: `data` are whole rows of that, and `begin` counts in its order. */
  transposed: boolean;
}

/** The weights of one model, in one file or several; each tensor is read when it is asked for. */
export interface TensorFile {
  /** For people: `safetensors`, `TensorFlow checkpoint`, … */
  readonly format: string;
  /** What the tensors lie in. */
  readonly files: readonly { path: string; bytes: number }[];
  /** In file order, which is the fastest to read. */
  entries(): TensorEntry[];
  readonly metadata: Record<string, string>;
  /**
   * Row-major elements as float32, from F32, F16, BF16 (exact) or F64 (rounded to nearest).
   * @throws ERR_FINETAG_MODEL for an unknown name, another dtype, or damaged data.
   */
  read(name: string): Promise<Float32Array>;
  /** What {@link read} gives, in parts of two megabytes or so, so that no second copy of a large tensor is needed. */
  readParts(name: string): AsyncIterable<TensorPart>;
  /** Row-major elements of any dtype, little-endian, in a buffer of their own. */
  readBytes(name: string): Promise<Uint8Array>;
  /** May be called again. */
  close(): Promise<void>;
}

/** An error about a weight file that is not what it should be. */
export function damaged(path: string, what: string): FinetagError {
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: ${what}; the file is damaged, fetch or save it again`,
  );
}

/** The entry of this name. */
export function findTensor<Entry>(path: string, entries: ReadonlyMap<string, Entry>, name: string): Entry {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  throw new FinetagError("ERR_FINETAG_MODEL", `${path}: has no tensor ${JSON.stringify(name)}`);
}

/** What `TensorFile.read` makes of `readBytes`. */
export function toFloats(path: string, { name, dtype }: TensorEntry, bytes: Uint8Array): Float32Array {
  const data = toFloat32(dtype, bytes);
  if (data !== undefined) return data;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: tensor ${JSON.stringify(name)} is ${dtype}, not a float; save the model as F32, F16 or BF16`,
  );
}

/** What `TensorFile.readParts` makes of the bytes of a tensor, in pieces. */
export async function* toFloatParts(
  path: string,
  entry: TensorEntry,
  pieces: AsyncIterable<Uint8Array>,
  transposed = false,
): AsyncGenerator<TensorPart, void> {
  let begin = 0;
  for await (const piece of pieces) {
    const data = toFloats(path, entry, piece);
    yield { data, begin, transposed };
    begin += data.length;
  }
}

/** Elements in a part of a tensor that is in memory already. */
const PART_ELEMENTS = 512 * 1024;

/** A tensor in parts, where it can be had only as a whole. */
export async function* inParts(readWhole: () => Promise<Float32Array>): AsyncGenerator<TensorPart, void> {
  const data = await readWhole();
  for (let begin = 0; begin < data.length; begin += PART_ELEMENTS) {
    yield { data: data.subarray(begin, begin + PART_ELEMENTS), begin, transposed: false };
  }
}

/** Elements of a shape; may be infinite, which is what a bound has to see. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** True for a size, offset or the like that a file may name. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** True for a list of such. */
export function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

/** Dimensions that a tensor may have: torch's own limit. A file can hold long shapes in few bytes. */
const RANK_LIMIT = 64;

/** True for a tensor's shape, or its strides. */
export function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= RANK_LIMIT && isCounts(value);
}

/**
 * Refuses parts of a file that share bytes: no writer leaves such, and a small file could stand for any amount of data.
 */
export function checkDisjoint(path: string, parts: { name: string; begin: number; end: number }[]): void {
  const sorted = [...parts].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const part of sorted) {
    if (part.begin < end) throw damaged(path, `${part.name} overlaps what comes before it`);
    end = part.end;
  }
}
