import type { NativeModelConfig } from "@finetag/core-native";
import * as z from "zod";

/**
 * Names that transformers has for the activations of the engine (its `ACT2FN`). Those in a row compute the same
 * function: erf-GELU; GELU by tanh; ReLU; x times its sigmoid.
 */
export const HIDDEN_ACTS = {
  gelu: "gelu",
  gelu_python: "gelu",
  gelu_new: "gelu_new",
  gelu_fast: "gelu_new",
  gelu_accurate: "gelu_new",
  gelu_pytorch_tanh: "gelu_new",
  gelu_python_tanh: "gelu_new",
  relu: "relu",
  silu: "silu",
  swish: "silu",
} as const satisfies Record<string, NativeModelConfig["hiddenAct"]>;

/** No published encoder comes near; a larger value is a damaged file, and would be allocated all the same. */
const SIZE_LIMIT = 16_777_216;

const size = z.int().min(1).max(SIZE_LIMIT);
const layers = z.int().min(1).max(1024);
/** At 1, nothing would be left, and what is left is divided by it. */
const dropout = z.number().min(0).lt(1);

/** The keys that the engine needs, by BERT's names for them. A family has some under other names, or not at all. */
export const FIELDS = {
  vocab_size: size,
  hidden_size: size,
  embedding_size: size,
  num_hidden_layers: layers,
  num_hidden_groups: layers,
  inner_group_num: layers,
  num_attention_heads: size,
  intermediate_size: size,
  hidden_act: z.enum(Object.keys(HIDDEN_ACTS) as [keyof typeof HIDDEN_ACTS]),
  hidden_dropout_prob: dropout,
  attention_probs_dropout_prob: dropout,
  classifier_dropout: dropout.nullable(),
  max_position_embeddings: size,
  type_vocab_size: size,
  task_type_vocab_size: size,
  use_task_id: z.boolean(),
  pad_token_id: z.int().min(0).nullable(),
  initializer_range: z.number().positive(),
  layer_norm_eps: z.number().positive(),
};

export type FieldName = keyof typeof FIELDS;
type Fields = { [Name in FieldName]: NonNullable<z.output<(typeof FIELDS)[Name]>> };

/** The fields that a family has; `null` for one without a default of its own. */
export type FieldDefaults = { [Name in FieldName]?: Fields[Name] | null };

/** What every family's file may hold in addition to its fields. */
export const COMMON_FIELDS = z.object({
  is_decoder: z.boolean().nullish(),
  add_cross_attention: z.boolean().nullish(),
  position_embedding_type: z.string().nullish(),
  num_labels: z.int().min(1).max(SIZE_LIMIT).nullish(),
  id2label: z.record(z.string().regex(/^\d+$/, "its keys must be label ids"), z.string()).nullish(),
});

/** Fields that a family may be without. */
type Optional =
  | "embedding_size"
  | "num_hidden_groups"
  | "inner_group_num"
  | "task_type_vocab_size"
  | "use_task_id"
  | "classifier_dropout";

/** A config.json with defaults filled in and BERT's names. */
export type ConfigFile = Omit<Fields, Optional> &
  Partial<Pick<Fields, Optional>> &
  z.infer<typeof COMMON_FIELDS>;
