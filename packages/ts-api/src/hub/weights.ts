/** The weights of a model as the files that hold them, in one of the formats that finetag reads. */

import { isPytorchFile, PYTORCH, SAFETENSORS, TENSORFLOW_PART } from "../models/fileNames.ts";

interface Sharded {
  whole: string;
  index: string;
  shard: RegExp;
}

/**
 * The first that is there is taken. TensorFlow checkpoints come after these, and then PyTorch's weights by any name. The
 * index says what the shards are called, and is not at hand when files are chosen.
 */
const SHARDED: readonly Sharded[] = [
  { ...SAFETENSORS, shard: /^[^/]+\d+-of-\d+\.safetensors$/ },
  { ...PYTORCH, shard: /^[^/]+\d+-of-\d+\.bin$/ },
];

/** What holds the weights among a repository's files; undefined where nothing does. */
export function weightFiles(paths: readonly string[]): string[] | undefined {
  for (const { whole, index, shard } of SHARDED) {
    if (paths.includes(whole)) return [whole];
    const shards = paths.filter((path) => shard.test(path));
    if (paths.includes(index) && shards.length > 0) return [index, ...shards];
  }
  return tensorflowFiles(paths) ?? onlyPytorch(paths);
}

/** Of several, nothing says which is meant. */
function onlyPytorch(paths: readonly string[]): string[] | undefined {
  const found = paths.filter((path) => !path.includes("/") && isPytorchFile(path));
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
