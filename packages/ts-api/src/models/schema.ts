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

/** No published encoder comes near; a larger value is a damaged file, and would be allocated as it stands. */
const SIZE_LIMIT = 16_777_216;

const size = (standard: number) => z.int().min(1).max(SIZE_LIMIT).default(standard);
const probability = (standard: number) => z.number().min(0).max(1).default(standard);

/** An explicit null means the default, as transformers reads it for these keys. */
const orNull = <T extends z.ZodType>(schema: T) => z.preprocess((value) => value ?? undefined, schema);

/** The keys that both families have, with the defaults of transformers 5.18.0. */
const shared = {
  hidden_size: size(768),
  num_hidden_layers: z.int().min(1).max(1024).default(12),
  num_attention_heads: size(12),
  intermediate_size: size(3072),
  hidden_act: z
    .string()
    .default("gelu")
    .pipe(z.enum(Object.keys(HIDDEN_ACTS) as [keyof typeof HIDDEN_ACTS])),
  hidden_dropout_prob: probability(0.1),
  attention_probs_dropout_prob: probability(0.1),
  max_position_embeddings: size(512),
  type_vocab_size: size(2),
  initializer_range: z.number().min(0).default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  classifier_dropout: z.number().min(0).max(1).nullish(),
  is_decoder: orNull(z.boolean().default(false)),
  add_cross_attention: orNull(z.boolean().default(false)),
  position_embedding_type: orNull(z.string().default("absolute")),
  num_labels: z.int().min(1).max(SIZE_LIMIT).nullish(),
  id2label: z.record(z.string().regex(/^\d+$/, "its keys are label ids"), z.string()).nullish(),
};

const bert = z.object({
  ...shared,
  model_type: z.literal("bert"),
  vocab_size: size(30522),
  pad_token_id: orNull(z.int().min(0).default(0)),
});

const roberta = z.object({
  ...shared,
  model_type: z.literal("roberta"),
  vocab_size: size(50265),
  pad_token_id: orNull(z.int().min(0).default(1)),
});

/** By `model_type`. */
export const configSchemas = { bert, roberta };

export type ConfigFile = z.infer<typeof bert> | z.infer<typeof roberta>;
