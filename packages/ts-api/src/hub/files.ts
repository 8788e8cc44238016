import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { CatalogueEntry } from "./catalogue.ts";
import type { HubSettings } from "./settings.ts";

/** Small files beside the weights: the model's shape, its tokenizer in any form, and what finetag saved. */
const SIDE_FILES: ReadonlySet<string> = new Set([
  "config.json",
  "finetag.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  "spiece.model",
  "sentencepiece.bpe.model",
  "tokenizer.model",
]);

export const WEIGHTS = "model.safetensors";
export const WEIGHTS_INDEX = "model.safetensors.index.json";
const SHARD = /^model-\d+-of-\d+\.safetensors$/;

/**
 * Those of a repository's files that training needs: config, tokenizer, and safetensors weights in one file or
 * in shards. The same weights in other formats (`pytorch_model.bin`, TensorFlow, Flax, ONNX) are left out.
 */
export function neededFiles(paths: readonly string[]): string[] {
  const whole = paths.includes(WEIGHTS);
  return paths.filter(
    (path) =>
      SIDE_FILES.has(path) || path === WEIGHTS || (!whole && (path === WEIGHTS_INDEX || SHARD.test(path))),
  );
}

/** Whether the list has safetensors weights, in one file or in shards. */
export function hasWeights(paths: readonly string[]): boolean {
  return paths.includes(WEIGHTS) || (paths.includes(WEIGHTS_INDEX) && paths.some((path) => SHARD.test(path)));
}

/** Where a catalogue model from another source than the Hub lies once it is complete. */
export function packagedModelFolder(settings: HubSettings, entry: CatalogueEntry): string {
  return join(settings.cache, "models", entry.name);
}

/** What a directory lacks to be loaded as a model; empty where it is whole. */
export async function missingFiles(directory: string): Promise<string[]> {
  const has = (path: string) =>
    stat(join(directory, path)).then(
      (info) => info.isFile(),
      () => false,
    );
  const missing: string[] = [];
  if (!(await has("config.json"))) missing.push("config.json");
  if (!(await has("tokenizer.json")) && !(await has("vocab.txt")) && !(await has("merges.txt"))) {
    const pieces = await Promise.all(["spiece.model", "sentencepiece.bpe.model", "tokenizer.model"].map(has));
    if (!pieces.includes(true)) missing.push("tokenizer.json");
  }
  if (!(await has(WEIGHTS))) {
    const shards = await shardNames(join(directory, WEIGHTS_INDEX));
    if (shards === undefined) missing.push(WEIGHTS);
    else for (const shard of shards) if (!(await has(shard))) missing.push(shard);
  }
  return missing;
}

async function shardNames(indexPath: string): Promise<string[] | undefined> {
  try {
    const index = JSON.parse(await readFile(indexPath, "utf8")) as { weight_map?: Record<string, string> };
    return index.weight_map ? [...new Set(Object.values(index.weight_map))] : undefined;
  } catch {
    return undefined;
  }
}
