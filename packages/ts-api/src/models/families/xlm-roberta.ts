import { BERT_DEFAULTS, type Family } from "./family.ts";
import { roberta } from "./roberta.ts";

/** Conneau et al. 2020: RoBERTa's architecture with a vocabulary of 100 languages. */
export const xlmRoberta: Family = {
  ...roberta,
  modelType: "xlm-roberta",
  architecture: "XLMRobertaForSequenceClassification",
  defaults: { ...BERT_DEFAULTS, pad_token_id: 1 },
  tokenizerClass: "XLMRobertaTokenizer",
};
