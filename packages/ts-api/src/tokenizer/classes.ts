/** What transformers 5.18.0 has for a tokenizer class that finetag can build without `tokenizer.json`. */
export interface TokenizerClass {
  /** Its special tokens by role, in the order in which transformers adds those that a vocabulary lacks. */
  tokens: Readonly<Record<string, string>>;
  /** Whether its output has token types unless `model_input_names` says otherwise. */
  givesTypes: boolean;
  /** The files that it is built from, for messages. */
  files: string;
}

const BERT_TOKENS = {
  unk_token: "[UNK]",
  sep_token: "[SEP]",
  pad_token: "[PAD]",
  cls_token: "[CLS]",
  mask_token: "[MASK]",
};
const FAIRSEQ_TOKENS = {
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  sep_token: "</s>",
  pad_token: "<pad>",
  cls_token: "<s>",
  mask_token: "<mask>",
};

export const CLASSES: Readonly<Record<string, TokenizerClass>> = {
  BertTokenizer: { tokens: BERT_TOKENS, givesTypes: true, files: "tokenizer.json or vocab.txt" },
  RobertaTokenizer: {
    tokens: FAIRSEQ_TOKENS,
    givesTypes: false,
    files: "tokenizer.json, or vocab.json and merges.txt",
  },
  AlbertTokenizer: {
    tokens: {
      bos_token: "[CLS]",
      eos_token: "[SEP]",
      sep_token: "[SEP]",
      cls_token: "[CLS]",
      unk_token: "<unk>",
      pad_token: "<pad>",
      mask_token: "[MASK]",
    },
    givesTypes: false,
    files: "tokenizer.json, spiece.model or vocab.txt",
  },
  XLMRobertaTokenizer: {
    tokens: FAIRSEQ_TOKENS,
    givesTypes: false,
    files: "tokenizer.json or sentencepiece.bpe.model",
  },
};

/** Classes with other names that tokenize as one of those above. */
const SAME_AS: Readonly<Record<string, string>> = {
  DistilBertTokenizer: "BertTokenizer",
  ElectraTokenizer: "BertTokenizer",
  ErnieTokenizer: "BertTokenizer",
};

/** The class of {@link CLASSES} for a name; for an unknown one, the name itself without "Fast". */
export function canonicalClass(name: string): string {
  const plain = name.replace(/Fast$/, "");
  return SAME_AS[plain] ?? plain;
}
