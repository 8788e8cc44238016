import { BERT_DEFAULTS, type Family } from "./family.ts";

/** Sanh et al. 2019. `sinusoidal_pos_embds` decides how positions start, not how they are used or trained. */
export const distilbert: Family = {
  modelType: "distilbert",
  engine: "distilbert",
  architecture: "DistilBertForSequenceClassification",
  defaults: { ...BERT_DEFAULTS, num_hidden_layers: 6, classifier_dropout: 0.2 },
  fixed: { type_vocab_size: 0, layer_norm_eps: 1e-12 },
  keys: {
    hidden_size: "dim",
    num_hidden_layers: "n_layers",
    num_attention_heads: "n_heads",
    intermediate_size: "hidden_dim",
    hidden_act: "activation",
    hidden_dropout_prob: "dropout",
    attention_probs_dropout_prob: "attention_dropout",
    classifier_dropout: "seq_classif_dropout",
  },
  bases: ["distilbert."],
  anchor: "distilbert.embeddings.word_embeddings.weight",
  headPrefixes: ["pre_classifier.", "classifier."],
  headWeight: "classifier.weight",
  optional: [],
  tokenizerClass: "BertTokenizer",
  pairTypes: false,
};
