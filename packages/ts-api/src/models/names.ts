import type { ParameterInfo } from "@finetag/core-native";
import { FAMILIES, type Family } from "./families/index.ts";

/** True for the parameters of a family's classification head, which a bare encoder lacks. */
export function isHeadOf({ headPrefixes }: Family, name: string): boolean {
  return headPrefixes.some((prefix) => name.startsWith(prefix));
}

/** True for the parameters of any family's classification head. */
export function isHeadParameter(name: string): boolean {
  return FAMILIES.some((family) => isHeadOf(family, name));
}

/** The head's bias of one value for each label. */
export function headBias({ headWeight }: Family): string {
  return headWeight.replace(/weight$/, "bias");
}

/** What checkpoints converted from TensorFlow call the parameters of a norm. */
const LEGACY_ENDINGS: readonly [RegExp, string][] = [
  [/(norm\.)weight$/i, "$1gamma"],
  [/(norm\.)bias$/i, "$1beta"],
];

/** The names under which a file may hold a parameter, the usual one first. */
export function tensorNames(parameter: string, [base = "", ...others]: readonly string[]): string[] {
  const names = [parameter];
  if (parameter.startsWith(base)) {
    const bare = parameter.slice(base.length);
    names.push(bare, ...others.map((other) => `${other}${bare}`));
  }
  for (const [ending, legacy] of LEGACY_ENDINGS) {
    if (ending.test(parameter)) names.push(...names.map((name) => name.replace(ending, legacy)));
  }
  return names;
}

/** The key of config.json that decides a parameter's shape most likely, for messages. */
export function decidingKey({ name }: ParameterInfo, { defaults, keys }: Family): string {
  const key = (field: keyof typeof defaults) => keys?.[field] ?? field;
  const width = "embedding_size" in defaults ? "embedding_size" : key("hidden_size");
  for (const [part, field] of EMBEDDING_KEYS) if (name.includes(part)) return `${key(field)} or ${width}`;
  if (name.includes("embeddings.")) return width;
  if (FEED_FORWARD.test(name)) return `${key("intermediate_size")} or ${key("hidden_size")}`;
  return key("hidden_size");
}

const EMBEDDING_KEYS = [
  ["word_embeddings", "vocab_size"],
  ["position_embeddings", "max_position_embeddings"],
  ["token_type_embeddings", "type_vocab_size"],
  ["task_type_embeddings", "task_type_vocab_size"],
] as const;

const FEED_FORWARD = /intermediate\.dense|output\.dense\.weight|\.ffn/;
