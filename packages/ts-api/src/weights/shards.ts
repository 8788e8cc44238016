import { dirname, join } from "node:path";
import * as z from "zod";
import { FinetagError } from "../errors/index.ts";
import { isNotFound, readJsonFile } from "../io/index.ts";
import { findTensor, type TensorEntry, type TensorFile, type TensorPart } from "./tensors.ts";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** How a shard is named and read. */
export interface ShardKind {
  /** The ending of its name, with the dot. */
  extension: string;
  /** For messages. */
  noun: string;
  open(path: string): Promise<TensorFile>;
}

/**
 * Opens the shards that an index file (`{"weight_map": {TENSOR: FILE}}`) names, as one.
 *
 * @throws ERR_FINETAG_MODEL where a shard is missing or lacks a tensor that the index puts there; and as `kind.open`.
 */
export async function openShards(indexPath: string, kind: ShardKind): Promise<TensorFile> {
  const weightMap = await readIndex(indexPath, kind);
  const shards = new Map<string, TensorFile>();
  try {
    for (const name of new Set(weightMap.values())) shards.set(name, await openShard(indexPath, name, kind));
    return new ShardedFile(indexPath, weightMap, shards);
  } catch (error) {
    await closeAll(shards);
    throw error;
  }
}

async function readIndex(path: string, { extension, noun }: ShardKind): Promise<Map<string, string>> {
  const parsed = indexSchema.safeParse(await readJsonFile(path, "ERR_FINETAG_MODEL"));
  if (!parsed.success) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${path}: "weight_map" is not an object of file names; fetch it again`,
    );
  }
  const weightMap = new Map(Object.entries(parsed.data.weight_map));
  for (const [tensor, file] of weightMap) {
    // A name from a downloaded file must not lead out of the folder.
    if (!isFileName(file) || !file.endsWith(extension) || file.length <= extension.length) {
      throw new FinetagError(
        "ERR_FINETAG_MODEL",
        `${path}: tensor ${JSON.stringify(tensor)} should be in ${JSON.stringify(file)}, which is not the name of a ${noun} next to it; fetch it again`,
      );
    }
  }
  return weightMap;
}

/** True for what every file system takes, without a line break. */
function isFileName(name: string): boolean {
  return /^[^/\\:\p{Cc}]+$/u.test(name) && Buffer.byteLength(name) <= 255;
}

async function openShard(indexPath: string, name: string, kind: ShardKind): Promise<TensorFile> {
  try {
    return await kind.open(join(dirname(indexPath), name));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${indexPath}: the shard ${JSON.stringify(name)} is missing; fetch the whole model again`,
      { cause: error },
    );
  }
}

async function closeAll(shards: ReadonlyMap<string, TensorFile>): Promise<void> {
  await Promise.all([...shards.values()].map((shard) => shard.close()));
}

/** Several files as one; each tensor is taken from the shard that the index names. */
class ShardedFile implements TensorFile {
  readonly format: string;
  readonly files: TensorFile["files"];
  readonly metadata: Record<string, string>;
  readonly #path: string;
  readonly #shards: Map<string, TensorFile>;
  readonly #entries: Map<string, TensorEntry>;
  readonly #weightMap: Map<string, string>;

  constructor(path: string, weightMap: Map<string, string>, shards: Map<string, TensorFile>) {
    const all = [...shards.values()];
    this.format = `${all[0]?.format ?? "no weights"}, ${all.length} shards`;
    this.files = all.flatMap(({ files }) => files);
    this.metadata = Object.assign({}, ...all.map(({ metadata }) => metadata));
    this.#path = path;
    this.#shards = shards;
    this.#weightMap = weightMap;
    this.#entries = findEntries(path, weightMap, shards);
  }

  entries(): TensorEntry[] {
    return [...this.#entries.values()];
  }

  async read(name: string): Promise<Float32Array> {
    return this.#shardOf(name).read(name);
  }

  async readBytes(name: string): Promise<Uint8Array> {
    return this.#shardOf(name).readBytes(name);
  }

  readParts(name: string): AsyncIterable<TensorPart> {
    return this.#shardOf(name).readParts(name);
  }

  close(): Promise<void> {
    return closeAll(this.#shards);
  }

  #shardOf(name: string): TensorFile {
    return this.#shards.get(findTensor(this.#path, this.#weightMap, name))!;
  }
}

function findEntries(
  path: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, TensorFile>,
): Map<string, TensorEntry> {
  const held = new Map(
    [...shards].map(([name, shard]) => [name, new Map(shard.entries().map((entry) => [entry.name, entry]))]),
  );
  const found = new Map<string, TensorEntry>();
  for (const [tensor, shard] of weightMap) {
    const entry = held.get(shard)?.get(tensor);
    if (entry === undefined) {
      throw new FinetagError(
        "ERR_FINETAG_MODEL",
        `${path}: tensor ${JSON.stringify(tensor)} is not in ${JSON.stringify(shard)}, where it should be; fetch the whole model again`,
      );
    }
    found.set(tensor, entry);
  }
  return found;
}
