/** Kinds of pieces that are treated in different ways (`SentencePiece.Type`). */
export const PIECE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** One entry of the vocabulary; its id is its place. */
export interface Piece {
  piece: string;
  /** Logarithm of a probability (unigram), or less the later a merge is made (BPE). */
  score: number;
  type: number;
}

/** What a `.model` file says. */
export interface SentencePieceModel {
  path: string;
  pieces: Piece[];
  kind: "unigram" | "bpe";
  unkId: number;
  /** "" where the model has none. */
  bos: string;
  eos: string;
  /** Unknown characters become pieces of their bytes. */
  byteFallback: boolean;
  /** Empty where texts stay as they are. */
  charsmap: Uint8Array;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
}
