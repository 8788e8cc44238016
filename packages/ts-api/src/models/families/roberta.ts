import { BERT_DEFAULTS, type Family } from "./family.ts";

/** Liu et al. 2019. */
export const roberta: Family = {
  modelType: "roberta",
  engine: "roberta",
  architecture: "RobertaForSequenceClassification",
  defaults: { ...BERT_DEFAULTS, vocab_size: 50265, pad_token_id: 1 },
  bases: ["roberta."],
  anchor: "roberta.embeddings.word_embeddings.weight",
  headPrefixes: ["classifier."],
  headWeight: "classifier.out_proj.weight",
  optional: [],
  tokenizerClass: "RobertaTokenizer",
  pairTypes: false,
  positionsAfterPadding: true,
};
