import { damaged } from "../tensors.ts";
import { Tensor } from "./tensors.ts";

/** A training program's checkpoint is a dict, with the model's state dict in it, with those of its parts in that. */
const DEPTH_LIMIT = 4;

/** Longer than any; the names of many tensors begin with it. */
const KEY_LIMIT = 256;

/** Keys under which training programs keep the state of something else than a model. */
const NO_MODEL = [/^optim/i, /scheduler/i, /scaler/i, /^(amp|callbacks|loops)$/i, /^rng/i];

/**
 * Finds the tensors of a saved dict. Those of dicts within it have the keys that lead to them in front of their names:
 * `{"state_dict": {"bert.pooler.dense.bias": …}}` holds `state_dict.bert.pooler.dense.bias`.
 *
 * @throws ERR_FINETAG_MODEL without any tensor, or with two of one name.
 */
export function findTensors(path: string, value: unknown): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const seen = new Set<unknown>();
  const collect = (dict: Map<unknown, unknown>, prefix: string, depth: number): void => {
    seen.add(dict);
    for (const [key, item] of dict) {
      if (typeof key !== "string") continue;
      if (item instanceof Tensor) {
        const name = prefix + key;
        if (tensors.has(name)) throw damaged(path, `two of its tensors are called ${JSON.stringify(name)}`);
        tensors.set(name, item);
      } else if (item instanceof Map && !seen.has(item) && depth < DEPTH_LIMIT) {
        if (key.length > KEY_LIMIT)
          throw damaged(path, `a dict in it has a name of ${key.length} characters`);
        if (!NO_MODEL.some((pattern) => pattern.test(key))) collect(item, `${prefix}${key}.`, depth + 1);
      }
    }
  };
  if (value instanceof Map) collect(value, "", 1);
  if (tensors.size === 0) throw damaged(path, "it holds no tensors by name (no state dict)");
  return tensors;
}
