import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CONFIG,
  isGoogleConfig,
  OLDER_TOKENIZER_FILES,
  SENTENCEPIECE_FILES,
  WORDPIECE_FILES,
} from "../io/index.ts";
import type { CatalogueEntry } from "./catalogue.ts";
import type { HubSettings } from "./settings.ts";
import { shardIndex, weightFiles } from "./weights.ts";

/** Whether it gives the model's shape. */
export const isConfig = (path: string): boolean => path === CONFIG || isGoogleConfig(path);

/** Each alone is a tokenizer. */
const TOKENIZERS: readonly string[] = [
  "tokenizer.json",
  "merges.txt",
  ...WORDPIECE_FILES,
  ...SENTENCEPIECE_FILES,
];

/** Small files next to the config and the weights: the tokenizer in any form, and what finetag saved. */
const SIDE_FILES: ReadonlySet<string> = new Set([
  ...TOKENIZERS,
  ...OLDER_TOKENIZER_FILES,
  "tokenizer_config.json",
  "finetag.json",
]);

/**
 * Those of a repository's files that training needs: config, tokenizer, and the weights in the first of these forms:
 * safetensors, PyTorch's `.bin`, a TensorFlow checkpoint. The same weights in other formats (Keras, Flax, ONNX) are
 * left out.
 *
 * @param choose Which are the weights; for reading, `anyWeightFiles`.
 */
export function neededFiles(paths: readonly string[], choose = weightFiles): string[] {
  const weights = new Set(choose(paths));
  return paths.filter((path) => isConfig(path) || SIDE_FILES.has(path) || weights.has(path));
}

/** Where a catalogue model from another source than the Hub is once it is complete. */
export function packagedModelFolder(settings: HubSettings, entry: CatalogueEntry): string {
  return join(settings.cache, "models", entry.name);
}

/** What a directory lacks to be loaded as a model; empty where it is whole. `choose` as of {@link neededFiles}. */
export async function missingFiles(directory: string, choose = weightFiles): Promise<string[]> {
  const names = await presentFiles(directory);
  const missing: string[] = [];
  if (!names.some(isConfig)) missing.push(CONFIG);
  if (!TOKENIZERS.some((name) => names.includes(name))) missing.push("tokenizer.json");
  const weights = choose(names);
  if (weights === undefined) return [...missing, "model.safetensors"];
  const index = shardIndex(weights);
  const shards = index === undefined ? [] : await shardNames(join(directory, index));
  if (shards === undefined) return [...missing, index!];
  return [...missing, ...shards.filter((shard) => !names.includes(shard))];
}

/** A link whose target is gone does not count. */
async function presentFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  const isFile = (name: string) =>
    stat(join(directory, name)).then(
      (info) => info.isFile(),
      () => false,
    );
  const present = await Promise.all(names.map(isFile));
  return names.filter((_, i) => present[i]);
}

async function shardNames(indexPath: string): Promise<string[] | undefined> {
  try {
    const index = JSON.parse(await readFile(indexPath, "utf8")) as { weight_map?: Record<string, string> };
    return index.weight_map ? [...new Set(Object.values(index.weight_map))] : undefined;
  } catch {
    return undefined;
  }
}
