import type { ModelFamily, ParameterInfo } from "@finetag/core-native";

/** What differs between the families in the names of their tensors. */
export interface FamilyNames {
  /** In front of every encoder parameter. A file of a bare encoder leaves it out. */
  base: string;
  /** `architectures` of a model whose head is the one that finetag trains. */
  architecture: string;
  /** The parameter whose first dimension is the number of labels. */
  headWeight: string;
  /** Parameters that a file may lack as a group; they then start fresh. */
  optional: readonly string[];
}

export const FAMILY_NAMES: Readonly<Record<ModelFamily, FamilyNames>> = {
  bert: {
    base: "bert.",
    architecture: "BertForSequenceClassification",
    headWeight: "classifier.weight",
    optional: ["bert.pooler.dense.weight", "bert.pooler.dense.bias"],
  },
  roberta: {
    base: "roberta.",
    architecture: "RobertaForSequenceClassification",
    headWeight: "classifier.out_proj.weight",
    optional: [],
  },
};

/** In front of every parameter of the head. */
export const HEAD_PREFIX = "classifier.";

/** Endings that checkpoints converted from TensorFlow have, and PyTorch's. */
const LEGACY_ENDINGS: readonly [string, string][] = [
  [".LayerNorm.weight", ".LayerNorm.gamma"],
  [".LayerNorm.bias", ".LayerNorm.beta"],
];

/** The names under which a file may hold a parameter, the usual one first. */
export function tensorNames(parameter: string, base: string): string[] {
  const names = parameter.startsWith(base) ? [parameter, parameter.slice(base.length)] : [parameter];
  for (const [ending, legacy] of LEGACY_ENDINGS) {
    if (!parameter.endsWith(ending)) continue;
    names.push(...names.map((name) => name.slice(0, -ending.length) + legacy));
  }
  return names;
}

/** The key of config.json that decides a parameter's shape most likely, for messages. */
export function decidingKey({ name }: ParameterInfo): string {
  for (const [part, key] of SHAPE_KEYS) if (name.includes(part)) return key;
  return "hidden_size";
}

const SHAPE_KEYS: readonly [string, string][] = [
  ["word_embeddings", "vocab_size or hidden_size"],
  ["position_embeddings", "max_position_embeddings or hidden_size"],
  ["token_type_embeddings", "type_vocab_size or hidden_size"],
  ["intermediate.dense", "intermediate_size or hidden_size"],
  ["output.dense.weight", "intermediate_size or hidden_size"],
];
