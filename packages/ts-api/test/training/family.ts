/** A tiny random encoder of any family, with the vocabulary of `tiny.ts`. */
import { join } from "node:path";
import { Random } from "../../src/data/index.ts";
import { openAddon } from "../../src/engine/index.ts";
import { isHeadParameter, readModelConfig } from "../../src/models/index.ts";
import { writeSafetensors } from "../weights/write.ts";
import { writeTinyModel } from "./tiny.ts";

/**
 * Writes a model directory whose encoder has the parameters that the engine has for this config.json.
 *
 * @param json Replaces that of `tiny.ts`, but for the size of the vocabulary.
 */
export async function writeTinyFamily(directory: string, json: Record<string, unknown>): Promise<string> {
  await writeTinyModel(directory, { architectures: undefined, ...json });
  const { native } = await readModelConfig(directory);
  const addon = await openAddon();
  const config = { ...native, numLabels: 1 };
  const shapes = await addon.createSession({
    config,
    device: "meta",
    threads: 1,
    seed: 0,
    precision: "float32",
  });
  const random = new Random(1);
  const tensors = shapes
    .parameters()
    .filter(({ name }) => !isHeadParameter(name))
    .map(({ name, shape }) => ({
      name,
      shape,
      read: async () =>
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => initial(name, random)),
    }));
  await shapes.dispose();
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  return directory;
}

/** As in `tiny.ts`: words that stand out against positions make the task learnable in a few dozen steps. */
function initial(name: string, random: Random): number {
  if (/norm\.weight$/i.test(name)) return 1;
  if (name.endsWith("bias")) return 0;
  return ((random.below(2001) - 1000) / 1000) * (name.includes("word_embeddings") ? 1 : 0.1);
}
