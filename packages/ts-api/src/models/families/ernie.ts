import { bert } from "./bert.ts";
import { BERT_DEFAULTS, type Family } from "./family.ts";

/**
 * ERNIE 1.0, 2.0 and 3.0 (Sun et al. 2019, 2020, 2021) in their PyTorch form, whose tensors are called as this family's or
 * as BERT's. A file that calls itself BERT is BERT, as in transformers: it has no embedding of the task then.
 */
export const ernie: Family = {
  ...bert,
  modelType: "ernie",
  engine: "ernie",
  architecture: "ErnieForSequenceClassification",
  knownBy: (json) => json.use_task_id === true,
  defaults: { ...BERT_DEFAULTS, task_type_vocab_size: 3, use_task_id: false },
  bases: ["ernie.", "bert."],
  anchor: "ernie.embeddings.word_embeddings.weight",
  optional: ["ernie.pooler.dense.weight", "ernie.pooler.dense.bias"],
};
