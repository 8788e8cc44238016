// Texts as token ids, by finetag's own tokenizer: what training and predicting use, without the engine.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../scripts/lib/paths.mjs";

const built = (module) => import(pathToFileURL(join(ROOT, "packages", "ts-api", "dist", module, "index.js")));

/** The tokenizer of a model directory, and the id that fills up its batches elsewhere. */
export async function openTokenizer(model) {
  const [{ loadTokenizer }, { readModelConfig }] = [await built("tokenizer"), await built("models")];
  const config = await readModelConfig(model);
  return { encoder: await loadTokenizer(model, config), padId: config.native.padTokenId };
}

/** The ids of each text as a list. */
export async function tokenIds(model, texts, maxLength) {
  const { encoder, padId } = await openTokenizer(model);
  return { ids: unpack(await encoder.encode(texts, undefined, maxLength)), padId };
}

/** Packed texts as a list of ids each. */
export function unpack({ ids, cuSeqlens }) {
  return Array.from({ length: cuSeqlens.length - 1 }, (_, i) => [
    ...ids.subarray(cuSeqlens[i], cuSeqlens[i + 1]),
  ]);
}
