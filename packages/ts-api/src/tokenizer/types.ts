/** B texts of T tokens in all, laid end to end without padding. */
export interface EncodedTexts {
  /** `[T]`, special tokens included. */
  ids: Int32Array;
  /** `[T]`: 1 for the second text of a BERT pair, else 0. RoBERTa has one type only. */
  tokenTypes: Int32Array;
  /** `[B + 1]`: where each text starts, and T at the end. */
  cuSeqlens: Int32Array;
  /** How many texts were cut. */
  truncated: number;
}

/** A model's tokenizer. */
export interface TextEncoder {
  /** How many tokens it knows, added ones included. */
  readonly vocabSize: number;
  /** The largest id that it can give. */
  readonly maxTokenId: number;
  /** Encoders with the same one give the same ids for the same texts. */
  readonly identity: string;
  /** What a saved model needs, by file name; `tokenizer.json` and `tokenizer_config.json` among them. */
  readonly files: Map<string, Uint8Array>;
  /**
   * Gets ready to encode, which the first text does otherwise.
   *
   * @throws ERR_FINETAG_MODEL where the Rust core refuses the tokenizer.
   */
  open(): Promise<void>;
  /**
   * Encodes texts, and pairs where `pairs` holds a second text, as transformers does with
   * `truncation="longest_first"`. Runs on the threads of the Rust core; calls of different lengths may overlap.
   * A lone surrogate counts as U+FFFD, as wherever Node turns a string into UTF-8.
   *
   * @param maxLength Tokens a text is cut to, special ones included.
   * @throws ERR_FINETAG_ARGUMENT where `maxLength` leaves no room for a text beside the special tokens;
   *   ERR_FINETAG_MODEL for a pair and a BERT with one token type, or where the tokenizer does not work.
   */
  encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
  ): Promise<EncodedTexts>;
}
