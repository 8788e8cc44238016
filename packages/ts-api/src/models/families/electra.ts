import { BERT_DEFAULTS, type Family } from "./family.ts";

/** Clark et al. 2020. The discriminator is the model to fine-tune; a generator's file is read as well. */
export const electra: Family = {
  modelType: "electra",
  engine: "electra",
  architecture: "ElectraForSequenceClassification",
  defaults: {
    ...BERT_DEFAULTS,
    embedding_size: 128,
    hidden_size: 256,
    num_attention_heads: 4,
    intermediate_size: 1024,
  },
  bases: ["electra."],
  anchor: "electra.embeddings.word_embeddings.weight",
  headPrefixes: ["classifier."],
  headWeight: "classifier.out_proj.weight",
  optional: [],
  tokenizerClass: "BertTokenizer",
  pairTypes: true,
};
