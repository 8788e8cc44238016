import type { ModelFamily } from "@finetag/core-native";
import type { FieldDefaults, FieldName } from "../schema.ts";

/** A model type as a table: the names in its config.json and of its tensors. The engine knows its arithmetic. */
export interface Family {
  /** `model_type` in config.json. */
  modelType: string;
  /** The engine's architecture, which several model types may have. */
  engine: ModelFamily;
  /** Of transformers' class with the head that finetag trains. */
  architecture: string;
  /**
   * Keys of a config.json that names neither model type nor architecture, by which it is known all the same, as those
   * that come with TensorFlow checkpoints.
   */
  knownBy?: (json: Readonly<Record<string, unknown>>) => boolean;
  /** The fields it has, with the defaults of transformers 5.18.0. */
  defaults: FieldDefaults;
  /** Fields that no key of the file decides. */
  fixed?: Readonly<Partial<Record<FieldName, number>>>;
  /** Names in config.json of the fields that are not called as in BERT's. */
  keys?: Readonly<Partial<Record<FieldName, string>>>;
  /**
   * In front of every encoder parameter; the first one is the engine's and is written, the others are read as well.
   * A file of a bare encoder has none of them.
   */
  bases: readonly string[];
  /**
   * The weight of the word embeddings. Every file of such a model has it, so it shows under which prefix the encoder
   * stands.
   */
  anchor: string;
  /** What the names of the head's parameters begin with; a bare encoder has none of them. */
  headPrefixes: readonly string[];
  /** The parameter whose first dimension is the number of labels. */
  headWeight: string;
  /** Parameters that a file may lack as a group; they then start fresh. */
  optional: readonly string[];
  /** transformers' tokenizer, without "Fast", where no file names one. */
  tokenizerClass: string;
  /** Whether the second text of a pair is of token type 1. */
  pairTypes: boolean;
  /**
   * Whether positions are counted from `pad_token_id + 1` on, as fairseq does, so that many rows of the table are never
   * used: 514 rows give 512 positions. Elsewhere the first position is 0.
   */
  positionsAfterPadding?: boolean;
}

/** Of `BertConfig`; most families differ in few of them. */
export const BERT_DEFAULTS = {
  vocab_size: 30522,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: "gelu",
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  classifier_dropout: null,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  pad_token_id: 0,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
} as const satisfies FieldDefaults;
