import { FinetagError } from "../../errors/index.ts";
import { isNotFound, MaskedCrc32c } from "../../io/index.ts";
import { DTYPE_BYTES } from "../dtypes.ts";
import { foreign, isTable } from "../foreign.ts";
import { InputFile } from "../input.ts";
import { putTransposed } from "../strided.ts";
import {
  checkDisjoint,
  damaged,
  findTensor,
  type TensorEntry,
  type TensorFile,
  type TensorPart,
  toFloatParts,
  toFloats,
} from "../tensors.ts";
import { type BundleEntry, decodeEntry, decodeHeader } from "./bundle.ts";
import { shardPath } from "./files.ts";
import { chooseNames, findOther, isNoWeight, isOfEncoder, plainName, scopeOf } from "./names.ts";
import { readTable } from "./table.ts";

/** That of BERT-large with its optimizer is some 100 KB. */
const INDEX_LIMIT_BYTES = 64 * 1024 * 1024;

/** A weight, in the file and as it is read. */
interface Variable extends TensorEntry {
  source: string;
  dtype: string;
  place: BundleEntry;
  transposed: boolean;
}

/**
 * Opens a checkpoint that TensorFlow's `Saver` or `Checkpoint` wrote (its "tensor bundle", V2), with Google's names of
 * BERT's or ALBERT's variables as transformers has them. Optimizer state, and variables that are not numbers, are left out.
 *
 * @param prefix The path without `.index`.
 * @throws ERR_FINETAG_MODEL for a file that is damaged or missing, a weight stored in parts, or names of other models.
 */
export async function openTensorflow(prefix: string): Promise<TensorFile> {
  const { variables, shards, bytes } = await InputFile.start(`${prefix}.index`, async (file) => {
    const index = await readIndex(file);
    await file.close();
    return index;
  });
  const needed = [...new Set(variables.map(({ place }) => place.shard))].sort((a, b) => a - b);
  const data = new Map<number, InputFile>();
  try {
    for (const shard of needed) {
      const file = await openShard(shardPath(prefix, shard, shards));
      data.set(shard, file);
      checkPlaces(
        file,
        variables.filter(({ place }) => place.shard === shard),
      );
    }
  } catch (error) {
    await Promise.all([...data.values()].map((file) => file.close()));
    throw error;
  }
  return new TensorflowFile(prefix, bytes, variables, data);
}

interface Index {
  variables: Variable[];
  /** Data files, also those without weights. */
  shards: number;
  bytes: number;
}

async function readIndex(index: InputFile): Promise<Index> {
  const { path, size } = index;
  if (size > INDEX_LIMIT_BYTES)
    throw damaged(path, `${size} bytes are too many for the index of a checkpoint`);
  const table = await index.read(0, size);
  if (!isTable(table)) throw await foreign(index, "not the index of a TensorFlow checkpoint, or truncated");
  // One at a time: each value keeps the whole block that it was unpacked from.
  const entries = readTable(path, table);
  const { value: first } = entries.next();
  if (first?.key.byteLength !== 0) throw damaged(path, "it does not begin with the checkpoint's header");
  const header = decodeHeader(path, first.value);
  const places = new Map<string, BundleEntry>();
  for (const { key, value } of entries) {
    const source = decodeName(path, key);
    if (source === undefined || isNoWeight(source)) continue;
    places.set(source, decodeEntry(path, source, value, header));
  }
  return { variables: nameVariables(path, places), shards: header.shards, bytes: size };
}

/** Undefined for a part of a variable, whose key begins with a zero byte: the whole one says that it is in parts. */
function decodeName(path: string, key: Buffer): string | undefined {
  if (key[0] === 0) return undefined;
  try {
    return plainName(new TextDecoder("utf-8", { fatal: true }).decode(key));
  } catch {
    throw damaged(path, "a variable's name is not UTF-8");
  }
}

function nameVariables(path: string, places: ReadonlyMap<string, BundleEntry>): Variable[] {
  const scope = scopeOf(places.keys());
  // Heads may be in it or next to it; where both are, those in it are the model's, and no table knows the others.
  const bare = (source: string) => {
    if (source.startsWith(scope)) return source.slice(scope.length);
    return places.has(scope + source) ? `/${source}` : source;
  };
  const bareNames = [...places.keys()].map(bare);
  const other = findOther(bareNames);
  if (other !== undefined) throw new FinetagError("ERR_FINETAG_MODEL", `${path}: the checkpoint ${other}`);
  const nameOf = chooseNames(bareNames);
  const variables = new Map<string, Variable>();
  let known: string | undefined;
  for (const [source, place] of places) {
    if (place.dtype === undefined) continue;
    const mapped = nameOf(bare(source));
    if (mapped !== undefined) known ??= source;
    if (place.sliced) {
      throw new FinetagError(
        "ERR_FINETAG_MODEL",
        `${path}: variable ${JSON.stringify(source)} is stored in parts (a partitioned variable), which finetag does not read; ` +
          "save the checkpoint again without a partitioner",
      );
    }
    const transposed = mapped?.transposed === true && place.shape.length === 2;
    const name = mapped?.name ?? source;
    const shape = transposed ? place.shape.toReversed() : place.shape;
    if (variables.has(name)) throw damaged(path, `two variables are called ${JSON.stringify(name)}`);
    variables.set(name, { name, source, dtype: place.dtype, shape, place, transposed });
  }
  if (known !== undefined && bareNames.some(isOfEncoder)) return [...variables.values()];
  const shown = known ?? [...places.keys()][0];
  const first = shown === undefined ? "" : ` (the first is ${JSON.stringify(shown)})`;
  const what =
    known === undefined
      ? `none of its ${places.size} variables has a name of Google's BERT or ALBERT code${first}; use the checkpoint of such a model`
      : `it has variables of heads${first}, but none of an encoder; use the checkpoint that has the encoder (bert/…) as well`;
  throw new FinetagError("ERR_FINETAG_MODEL", `${path}: ${what}, or a model in Hugging Face's format`);
}

async function openShard(path: string): Promise<InputFile> {
  try {
    return await InputFile.open(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${path}: this data file of the checkpoint is missing; copy all of its files`,
      { cause: error },
    );
  }
}

function checkPlaces({ path, size }: InputFile, variables: readonly Variable[]): void {
  for (const { source, place } of variables) {
    if (place.end <= size) continue;
    throw damaged(
      path,
      `truncated: it has ${size} bytes, and variable ${JSON.stringify(source)} ends at byte ${place.end}`,
    );
  }
  checkDisjoint(
    path,
    variables.map(({ source, place: { begin, end } }) => ({ name: JSON.stringify(source), begin, end })),
  );
}

class TensorflowFile implements TensorFile {
  readonly format = "TensorFlow checkpoint";
  readonly files: TensorFile["files"];
  readonly metadata = {};
  readonly #prefix: string;
  readonly #variables: Map<string, Variable>;
  readonly #data: Map<number, InputFile>;

  constructor(prefix: string, indexBytes: number, variables: Variable[], data: Map<number, InputFile>) {
    this.#prefix = prefix;
    this.#variables = new Map(variables.map((variable) => [variable.name, variable]));
    this.#data = data;
    this.files = [
      { path: `${prefix}.index`, bytes: indexBytes },
      ...[...data.values()].map(({ path, size }) => ({ path, bytes: size })),
    ];
  }

  entries(): TensorEntry[] {
    return [...this.#variables.values()].map(({ name, dtype, shape, source }) => ({
      name,
      dtype,
      shape,
      source,
    }));
  }

  async read(name: string): Promise<Float32Array> {
    const variable = findTensor(this.#prefix, this.#variables, name);
    return toFloats(this.#prefix, variable, await this.readBytes(name));
  }

  async readBytes(name: string): Promise<Uint8Array> {
    const variable = findTensor(this.#prefix, this.#variables, name);
    const { place, transposed } = variable;
    if (transposed) return this.#readTransposed(variable);
    const file = this.#data.get(place.shard)!;
    const checksum = new MaskedCrc32c();
    const bytes = await file.read(place.begin, place.end, (piece) => checksum.update(piece));
    compare(file, variable, checksum);
    return bytes;
  }

  readParts(name: string): AsyncIterable<TensorPart> {
    const variable = findTensor(this.#prefix, this.#variables, name);
    return toFloatParts(this.#prefix, variable, this.#checkedPieces(variable), variable.transposed);
  }

  /** A few rows of the kernel at a time: it is in memory once. */
  async #readTransposed(variable: Variable): Promise<Uint8Array> {
    const { dtype, shape, place } = variable;
    const [columns, rows] = shape as [number, number]; // of the kernel, which is the transpose
    const itemBytes = DTYPE_BYTES[dtype]!;
    const bytes = new Uint8Array(place.end - place.begin);
    let first = 0;
    for await (const piece of this.#checkedPieces(variable)) {
      putTransposed(bytes, itemBytes, piece, { first, rows, columns });
      first += piece.byteLength / (columns * itemBytes);
    }
    return bytes;
  }

  /** Of a kernel, each is whole rows. */
  async *#checkedPieces(variable: Variable): AsyncGenerator<Uint8Array, void> {
    const { dtype, shape, transposed, place } = variable;
    const { begin, end, shard } = place;
    const file = this.#data.get(shard)!;
    const checksum = new MaskedCrc32c();
    const unitBytes = transposed ? shape[0]! * DTYPE_BYTES[dtype]! : undefined;
    for await (const piece of file.pieces(begin, end, unitBytes)) {
      checksum.update(piece);
      yield piece;
    }
    compare(file, variable, checksum);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#data.values()].map((file) => file.close()));
  }
}

function compare({ path }: InputFile, { source, place }: Variable, found: MaskedCrc32c): void {
  if (found.digest() === place.checksum) return;
  throw damaged(path, `the checksum of variable ${JSON.stringify(source)} is wrong`);
}
