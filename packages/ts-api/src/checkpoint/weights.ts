import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import * as z from "zod";
import { FinetagError } from "../errors/index.ts";
import { ioError, isNotFound, readJsonFile } from "../io/index.ts";
import type { TensorEntry } from "./header.ts";
import { openSafetensors, type TensorFile } from "./read.ts";

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * Opens a model directory's weights: `model.safetensors`, or `model.safetensors.index.json` with its shards.
 *
 * @throws ERR_FINETAG_MODEL where there are none, with the way to convert those of another format; where a shard is
 *   missing or lacks a tensor that the index puts there; and as {@link openSafetensors} does.
 */
export async function openWeights(dir: string): Promise<TensorFile> {
  if (await isFile(join(dir, SINGLE))) return openSafetensors(join(dir, SINGLE));
  if (await isFile(join(dir, INDEX))) return openShards(dir);
  throw await noWeights(dir);
}

async function openShards(dir: string): Promise<TensorFile> {
  const weightMap = await readIndex(join(dir, INDEX));
  const shards = new Map<string, TensorFile>();
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  try {
    for (const name of new Set(weightMap.values())) shards.set(name, await openShard(dir, name));
    return new ShardedFile(dir, weightMap, shards, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function readIndex(path: string): Promise<Map<string, string>> {
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
    if (!/^[^/\\:\0]+\.safetensors$/.test(file)) {
      throw new FinetagError(
        "ERR_FINETAG_MODEL",
        `${path}: tensor "${tensor}" is said to be in ${JSON.stringify(file)}, which is not the name of a safetensors file beside it`,
      );
    }
  }
  return weightMap;
}

async function openShard(dir: string, name: string): Promise<TensorFile> {
  try {
    return await openSafetensors(join(dir, name));
  } catch (error) {
    if (!isNotFound((error as FinetagError).cause)) throw error;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${join(dir, INDEX)}: the shard ${name} is missing; fetch the whole model again`,
      { cause: error },
    );
  }
}

/** Several files as one; each tensor is taken from the shard that the index names. */
class ShardedFile implements TensorFile {
  readonly metadata: Record<string, string>;
  readonly close: () => Promise<void>;
  readonly #dir: string;
  readonly #weightMap: Map<string, string>;
  readonly #shards: Map<string, TensorFile>;
  readonly #entries: TensorEntry[];

  constructor(
    dir: string,
    weightMap: Map<string, string>,
    shards: Map<string, TensorFile>,
    close: () => Promise<void>,
  ) {
    this.#dir = dir;
    this.#weightMap = weightMap;
    this.#shards = shards;
    this.close = close;
    this.metadata = Object.assign({}, ...[...shards.values()].map((shard) => shard.metadata));
    const held = new Map(
      [...shards].map(([name, shard]) => [
        name,
        new Map(shard.entries().map((entry) => [entry.name, entry])),
      ]),
    );
    this.#entries = [...weightMap].map(([tensor, shard]) => {
      const entry = held.get(shard)?.get(tensor);
      if (entry !== undefined) return entry;
      throw new FinetagError(
        "ERR_FINETAG_MODEL",
        `${join(dir, INDEX)}: tensor "${tensor}" is not in ${shard}, where it is said to be; fetch the whole model again`,
      );
    });
  }

  entries(): TensorEntry[] {
    return this.#entries;
  }

  async read(name: string): Promise<Float32Array> {
    return this.#shardOf(name).read(name);
  }

  async readBytes(name: string): Promise<Uint8Array> {
    return this.#shardOf(name).readBytes(name);
  }

  #shardOf(name: string): TensorFile {
    const shard = this.#shards.get(this.#weightMap.get(name) ?? "");
    if (shard === undefined) {
      throw new FinetagError("ERR_FINETAG_MODEL", `${this.#dir}: there is no tensor "${name}" in it`);
    }
    return shard;
  }
}

/** Weight files of other frameworks, and the way from each to safetensors. */
const OTHER_FORMATS: { pattern: RegExp; remedy: (dir: string) => string }[] = [
  { pattern: /^pytorch_model.*\.bin(\.index\.json)?$|\.pth?$/, remedy: convertWithPython },
  {
    pattern: /^tf_model\.h5$|^flax_model\.msgpack$|\.ckpt(-\d+)?\.(index|meta|data-.*)$/,
    remedy: () =>
      "take the same model in safetensors form from the Hub (`finetag pull`, e.g. google-bert/bert-base-chinese), " +
      "or convert it with transformers 4, which still reads TensorFlow and Flax: " +
      "`AutoModel.from_pretrained(dir, from_tf=True).save_pretrained(out)`",
  },
];

function convertWithPython(dir: string): string {
  const path = JSON.stringify(dir);
  return (
    "convert it once, with transformers in Python: " +
    `\`AutoModel.from_pretrained(${path}).save_pretrained(${path})\`, ` +
    "or AutoModelForSequenceClassification where it has a head to keep"
  );
}

async function noWeights(dir: string): Promise<unknown> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    return ioError(error, "read", dir);
  }
  for (const { pattern, remedy } of OTHER_FORMATS) {
    const found = names.sort().find((name) => pattern.test(name));
    if (found === undefined) continue;
    return new FinetagError("ERR_FINETAG_MODEL", `${dir}: holds ${found} but no ${SINGLE}; ${remedy(dir)}`);
  }
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${dir}: there is no ${SINGLE} in it; name a folder with a model, or fetch one (finetag pull ${basename(dir)})`,
  );
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isNotFound(error)) return false;
    throw ioError(error, "read", path);
  }
}
