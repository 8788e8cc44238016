import { join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { CONFIG, isGoogleConfig, listNames, readJsonFile } from "../io/index.ts";

/**
 * Finds and reads a model's config: `config.json`, else the one next to a TensorFlow checkpoint, whose values are then
 * put as transformers puts them.
 *
 * @throws ERR_FINETAG_MODEL if the directory has no config, or several and no `config.json`.
 */
export async function readConfigFile(dir: string): Promise<{ path: string; json: unknown }> {
  const names = await listNames(dir);
  if (names.includes(CONFIG)) return read(dir, CONFIG);
  const [name, ...others] = names.filter(isGoogleConfig).sort();
  if (name === undefined) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${dir}: has no ${CONFIG} and no bert_config.json; give a model's folder, or fetch a model with \`finetag pull\``,
    );
  }
  if (others.length > 0) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${dir}: has ${[name, ...others].join(", ")} and no ${CONFIG}; keep only the one that belongs to the weights`,
    );
  }
  const { path, json } = await read(dir, name);
  return { path, json: fromGoogle(json) };
}

async function read(dir: string, name: string): Promise<{ path: string; json: unknown }> {
  const path = join(dir, name);
  return { path, json: await readJsonFile(path, "ERR_FINETAG_MODEL") };
}

/**
 * What Google's ALBERT code calls `gelu` is GELU by tanh (google-research/albert modeling.py); transformers calls that
 * `gelu_new`, and has it in its own albert-base-v2.
 */
function fromGoogle(json: unknown): unknown {
  if (typeof json !== "object" || json === null || !("num_hidden_groups" in json)) return json;
  const { hidden_act: activation } = json as Record<string, unknown>;
  return activation === "gelu" ? { ...json, hidden_act: "gelu_new" } : json;
}
