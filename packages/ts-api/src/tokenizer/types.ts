import type { WordSegmenter } from "./chinese.ts";

/** B texts with T tokens in total, concatenated without padding. */
export interface EncodedTexts {
  /** `[T]`, including special tokens. */
  ids: Int32Array;
  /** `[T]`: 1 for the second text of a BERT pair, else 0. RoBERTa has only one type. */
  tokenTypes: Int32Array;
  /** `[B + 1]`: where each text starts, and T at the end. */
  cuSeqlens: Int32Array;
  /** Number of truncated texts. */
  truncated: number;
}

/** Encoded texts with the word of each token, for example for whole-word masking. */
export interface EncodedWords extends EncodedTexts {
  /**
   * `[T]`: index of the token's word within its text or pair, from 0; -1 for a special token. The tokens of a word are
   * consecutive.
   */
  words: Int32Array;
}

/** How much of some texts a tokenizer knows, in tokens; special tokens do not count. */
export interface Coverage {
  tokens: number;
  /** Tokens in place of what is not in the vocabulary at all. */
  unknown: number;
  /** Single letters and single bytes of words for which the vocabulary has nothing longer. */
  fragments: number;
}

/** Counts a tokenizer's tokens by how much they say of a text. */
export interface TokenCoverage {
  /** As messages name it; empty where nothing is unknown. */
  readonly unknownToken: string;
  /** Of all texts so far. */
  readonly seen: Readonly<Coverage>;
  count(ids: ArrayLike<number>): Coverage;
}

/** A model's tokenizer. */
export interface Tokenizer {
  /** Number of tokens, including added ones. */
  readonly vocabSize: number;
  /** The largest token id. */
  readonly maxTokenId: number;
  /** Tokenizers with the same identity return the same ids for the same texts. */
  readonly identity: string;
  /** The files that a saved model needs, by name, such as `tokenizer.json` and `tokenizer_config.json`. */
  readonly files: Map<string, Uint8Array>;
  /** What should be known about how its files were read, a line each. */
  readonly warnings: readonly string[];
  readonly coverage: TokenCoverage;
  /**
   * Prepares for encoding; otherwise the first text does.
   *
   * @throws ERR_FINETAG_MODEL if the Rust core refuses the tokenizer.
   */
  open(): Promise<void>;
  /**
   * Encodes texts, or pairs where `pairs` has a second text, as transformers does with
   * `truncation="longest_first"`. Runs on the threads of the Rust core; calls of different lengths may overlap.
   * A lone surrogate counts as U+FFFD, as always when Node encodes a string as UTF-8.
   *
   * @param maxLength Maximum number of tokens per text, including special tokens; longer texts are truncated.
   * @throws ERR_FINETAG_ARGUMENT if `maxLength` leaves no room for text next to the special tokens; ERR_FINETAG_MODEL for
   *   a pair with a BERT that has one token type, or if the tokenizer does not work.
   */
  encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
  ): Promise<EncodedTexts>;

  /**
   * Encodes texts as {@link encode} does, and reports which tokens form a word: a first piece and those that continue it
   * (`##`), or the pieces from one mark of a word to the next (`Ġ`, `▁`). Runs of Chinese characters, which have no
   * such marks, are split by `segment`.
   *
   * @param segment Default: {@link chineseWords}.
   * @throws As {@link encode}; ERR_FINETAG_ARGUMENT if the segmenter's words do not add up to its input.
   */
  encodeWords(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
    segment?: WordSegmenter,
  ): Promise<EncodedWords>;
}
