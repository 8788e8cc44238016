import { BERT_DEFAULTS, type Family } from "./family.ts";

/**
 * Devlin et al. 2019. Chinese BERT, BERT-wwm, MacBERT and Chinese RoBERTa-wwm are BERT as well: they differ in how they
 * were trained, and their config.json says so by its model type.
 */
export const bert: Family = {
  modelType: "bert",
  engine: "bert",
  architecture: "BertForSequenceClassification",
  // One token type alone would be a RoBERTa's, from before files had a model type.
  knownBy: (json) => "hidden_size" in json && "vocab_size" in json && json.type_vocab_size !== 1,
  defaults: BERT_DEFAULTS,
  bases: ["bert.", "ernie."],
  anchor: "bert.embeddings.word_embeddings.weight",
  headPrefixes: ["classifier."],
  headWeight: "classifier.weight",
  optional: ["bert.pooler.dense.weight", "bert.pooler.dense.bias"],
  tokenizerClass: "BertTokenizer",
  pairTypes: true,
};
