import { BERT_DEFAULTS, type Family } from "./family.ts";

/** Lan et al. 2020. */
export const albert: Family = {
  modelType: "albert",
  engine: "albert",
  architecture: "AlbertForSequenceClassification",
  knownBy: (json) => "num_hidden_groups" in json,
  defaults: {
    ...BERT_DEFAULTS,
    vocab_size: 30000,
    embedding_size: 128,
    hidden_size: 4096,
    num_hidden_groups: 1,
    inner_group_num: 1,
    num_attention_heads: 64,
    intermediate_size: 16384,
    hidden_act: "gelu_new",
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
    classifier_dropout: 0.1,
  },
  keys: { classifier_dropout: "classifier_dropout_prob" },
  bases: ["albert."],
  anchor: "albert.embeddings.word_embeddings.weight",
  headPrefixes: ["classifier."],
  headWeight: "classifier.weight",
  optional: ["albert.pooler.weight", "albert.pooler.bias"],
  tokenizerClass: "AlbertTokenizer",
  pairTypes: true,
};
