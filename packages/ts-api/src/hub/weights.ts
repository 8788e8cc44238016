/** The weights of a model as the files that hold them, in one of the formats that finetag reads. */

import { PYTORCH, SAFETENSORS, TENSORFLOW_PART } from "../io/index.ts";

interface Sharded {
  whole: string;
  index: string;
  shard: RegExp;
}

/** The first that is there is taken. TensorFlow checkpoints come after these. */
const SHARDED: readonly Sharded[] = [
  { ...SAFETENSORS, shard: /^model-\d+-of-\d+\.safetensors$/ },
  { ...PYTORCH, shard: /^pytorch_model-\d+-of-\d+\.bin$/ },
];

/** What holds the weights among a repository's files, under their usual names; undefined where nothing does. */
export function weightFiles(paths: readonly string[]): string[] | undefined {
  for (const { whole, index, shard } of SHARDED) {
    if (paths.includes(whole)) return [whole];
    const shards = paths.filter((path) => shard.test(path));
    if (paths.includes(index) && shards.length > 0) return [index, ...shards];
  }
  return tensorflowFiles(paths);
}

/**
 * What holds them under whatever names: the one whole set of shards next to an index, or a training program's only file.
 * For reading alone, since in a repository of others such a file may be anything.
 */
export function anyWeightFiles(paths: readonly string[]): string[] | undefined {
  return weightFiles(paths) ?? unusualShards(paths) ?? onlyFile(paths);
}

/** What is next to weights in a training program's folder, in the same formats. */
const NO_WEIGHTS = /optim|sched|scaler|args|rng_?state|random_state/i;

function unusualShards(paths: readonly string[]): string[] | undefined {
  for (const { whole, index } of SHARDED) {
    if (!paths.includes(index)) continue;
    const extension = whole.slice(whole.lastIndexOf("."));
    const sets = new Map<string, { count: number; files: string[] }>();
    for (const path of paths) {
      const [, stem, count, ending] = /^([\w.-]{1,200}?)\d{1,9}-of-(\d{1,9})(\.\w{1,20})$/.exec(path) ?? [];
      if (stem === undefined || ending !== extension || NO_WEIGHTS.test(stem)) continue;
      const key = `${stem} ${Number(count)}`;
      const set = sets.get(key) ?? { count: Number(count), files: [] };
      set.files.push(path);
      sets.set(key, set);
    }
    const complete = [...sets.values()].filter(({ count, files }) => files.length === count);
    if (complete.length === 1) return [index, ...complete[0]!.files];
  }
  return undefined;
}

/** A `.bin` of another name than torch's own may be any program's. Of several, nothing says which is meant. */
function onlyFile(paths: readonly string[]): string[] | undefined {
  const found = paths.filter((path) => /^[\w.-]{1,200}\.(pth?|ckpt)$/.test(path) && !NO_WEIGHTS.test(path));
  return found.length === 1 ? found : undefined;
}

/** The file among them that names the shards; undefined for weights without one. */
export function shardIndex(paths: readonly string[]): string | undefined {
  return SHARDED.find(({ index }) => paths.includes(index))?.index;
}

/** The index and the parts of one checkpoint: Google's by its name, else the one of the latest step. */
function tensorflowFiles(paths: readonly string[]): string[] | undefined {
  const prefixes = paths
    .filter((path) => path.endsWith(".index") && !path.includes("/"))
    .map((path) => path.slice(0, -".index".length))
    .filter((prefix) => isWhole(prefix, paths))
    .sort((a, b) => stepOf(a) - stepOf(b));
  const prefix = prefixes.find((name) => name === "bert_model.ckpt") ?? prefixes.at(-1);
  if (prefix === undefined) return undefined;
  // Without TensorFlow's own record of the latest checkpoint (`checkpoint`), which may name another one.
  return [`${prefix}.index`, ...partsOf(prefix, paths)];
}

function isWhole(prefix: string, paths: readonly string[]): boolean {
  const parts = partsOf(prefix, paths);
  return parts.length > 0 && parts.length === Number(TENSORFLOW_PART.exec(parts[0]!)![2]);
}

function partsOf(prefix: string, paths: readonly string[]): string[] {
  return paths.filter((path) => TENSORFLOW_PART.test(path) && path.replace(TENSORFLOW_PART, "") === prefix);
}

function stepOf(prefix: string): number {
  return Number(/-(\d+)$/.exec(prefix)?.[1] ?? 0);
}
