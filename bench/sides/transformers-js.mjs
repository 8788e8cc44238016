// transformers.js, set up to read a local model.

import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/** The module, and the `name` by which it finds the model directory. */
export function openTransformers({ packages, model }) {
  const transformers = createRequire(join(packages, "package.json"))("@huggingface/transformers");
  transformers.env.allowRemoteModels = false;
  transformers.env.localModelPath = dirname(model);
  return { ...transformers, name: basename(model) };
}
