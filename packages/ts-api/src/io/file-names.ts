/** What the files of a model directory are called by the programs that write them. */

export const CONFIG = "config.json";

/**
 * Whether a file's name is that of a config in archives of Google and of those that trained with its code, where
 * `config.json` would be: `bert_config.json`, `albert_config_tiny.json`, `macbert_large_config.json`. Those of
 * sentence-transformers, such as `sentence_bert_config.json`, say other things.
 */
export function isGoogleConfig(name: string): boolean {
  return /^(?!sentence_)\w*bert\w*config\w*\.json$/i.test(name);
}

/** The second is that of Google's Chinese ALBERT archives. */
export const WORDPIECE_FILES: readonly string[] = ["vocab.txt", "vocab_chinese.txt"];

/** SentencePiece models by their usual names. */
const SENTENCEPIECE = ["spiece.model", "sentencepiece.bpe.model", "tokenizer.model"];

/** The last is that of Google's ALBERT archives. */
export const SENTENCEPIECE_FILES: readonly string[] = [...SENTENCEPIECE, "30k-clean.model"];

/** Of a tokenizer in transformers' layout from before `tokenizer.json`, which tools other than transformers 5 read. */
export const OLDER_TOKENIZER_FILES: readonly string[] = [
  "vocab.txt",
  "vocab.json",
  "merges.txt",
  ...SENTENCEPIECE,
  "special_tokens_map.json",
  "added_tokens.json",
];

/** Weights in one file, or in shards that an index names. */
export const SAFETENSORS = { whole: "model.safetensors", index: "model.safetensors.index.json" } as const;
export const PYTORCH = { whole: "pytorch_model.bin", index: "pytorch_model.bin.index.json" } as const;

/** The end of a TensorFlow checkpoint's data file: which one, of how many. */
export const TENSORFLOW_PART = /\.data-(\d{5})-of-(\d{5})$/;
