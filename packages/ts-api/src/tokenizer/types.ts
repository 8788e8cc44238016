import type { WordSegmenter } from "./chinese.ts";

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

/** Texts with the words that their tokens belong to, as masking of whole words needs them. */
export interface EncodedWords extends EncodedTexts {
  /**
   * `[T]`: the number of a token's word within its text or pair, from 0 on; -1 for a special token. The tokens of a word
   * follow each other.
   */
  words: Int32Array;
}

/** A model's tokenizer. */
export interface Tokenizer {
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
   * @throws ERR_FINETAG_ARGUMENT where `maxLength` leaves no room for a text next to the special tokens;
   *   ERR_FINETAG_MODEL for a pair and a BERT with one token type, or where the tokenizer does not work.
   */
  encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
  ): Promise<EncodedTexts>;

  /**
   * Encodes texts as {@link encode} does, and says which tokens make up a word: a first piece and those that continue it
   * (`##`), or the pieces from one mark of a word to the next (`Ġ`, `▁`). Runs of Chinese characters, which have no
   * such marks, are cut by `segment`.
   *
   * @param segment By default Node's own `Intl.Segmenter` for Chinese.
   * @throws As {@link encode}; ERR_FINETAG_ARGUMENT where the segmenter's words are not the text that it was given.
   */
  encodeWords(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
    segment?: WordSegmenter,
  ): Promise<EncodedWords>;
}
