import { FinetagError } from "../../errors/index.ts";
import type { TokenizerJson } from "../json/index.ts";
import { replacementOf } from "./charsmap.ts";
import { PIECE, type Piece, type SentencePieceModel } from "./model.ts";
import { WORD_START } from "./vocabulary.ts";

/** What a class of transformers makes of a SentencePiece model: its pieces by id, and the id of the unknown one. */
export interface Numbered {
  pieces: Piece[];
  unkId: number;
}

/**
 * ALBERT's ids are the model's. A piece such as "9," is all but never taken, so that a number and the comma after it
 * come apart; Google's ALBERT did so by cutting such a piece once more.
 */
export function albertPieces({ pieces, unkId }: SentencePieceModel): Numbered {
  const isNumberComma = (piece: string) => /\p{Nd},$/u.test(piece);
  const scored = pieces.map((piece) =>
    isNumberComma(piece.piece) ? { ...piece, score: piece.score - 100 } : piece,
  );
  return { pieces: scored, unkId };
}

/** XLM-RoBERTa's ids are fairseq's: four special tokens, then the model's pieces after its own three, then `<mask>`. */
export function fairseqPieces({ path, pieces }: SentencePieceModel): Numbered {
  const [unk, bos, eos, ...rest] = pieces;
  if (unk?.piece !== "<unk>" || bos?.piece !== "<s>" || eos?.piece !== "</s>") {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${path}: its first pieces are not <unk>, <s>, </s>, as in XLM-RoBERTa's; set the right tokenizer_class in tokenizer_config.json`,
    );
  }
  const special = (piece: string): Piece => ({ piece, score: 0, type: PIECE.control });
  return {
    pieces: [special("<s>"), special("<pad>"), special("</s>"), special("<unk>"), ...rest, special("<mask>")],
    unkId: 3,
  };
}

export interface AlbertOptions {
  lowercase: boolean;
  keepAccents: boolean;
}

const precompiled = (charsmap: string) => ({ type: "Precompiled", precompiled_charsmap: charsmap });

/** The normalizer of transformers' `AlbertTokenizer`. @param charsmap In base64; "" for none. */
export function albertNormalizer(
  charsmap: string,
  { lowercase, keepAccents }: AlbertOptions,
): TokenizerJson["normalizer"] {
  const replace = (from: string) => ({ type: "Replace", pattern: { String: from }, content: '"' });
  return {
    type: "Sequence",
    normalizers: [
      replace("``"),
      replace("''"),
      ...(keepAccents ? [] : [{ type: "NFKD" }, { type: "StripAccents" }]),
      ...(lowercase ? [{ type: "Lowercase" }] : []),
      ...(charsmap === "" ? [] : [precompiled(charsmap)]),
    ],
  };
}

/** The normalizer of transformers' `XLMRobertaTokenizer`. */
export function xlmRobertaNormalizer(charsmap: string): TokenizerJson["normalizer"] {
  return charsmap === "" ? null : precompiled(charsmap);
}

/** The splitter of both: at white space, and each word begins with the mark of a word. */
export function wordSplitter(addPrefixSpace: boolean): TokenizerJson["pre_tokenizer"] {
  return {
    type: "Sequence",
    pretokenizers: [{ type: "WhitespaceSplit" }, metaspace(addPrefixSpace ? "always" : "never", true)],
  };
}

export function metaspace(prependScheme: "always" | "never" | "first", split: boolean) {
  return { type: "Metaspace", replacement: WORD_START, prepend_scheme: prependScheme, split };
}

/**
 * What SentencePiece itself does, for any other model (`normalizer.cc`, `Normalizer::Normalize`). A space at the begin
 * becomes the first word's mark, unless all spaces count; then the mark comes in addition to it. A mark that the text
 * itself has is one of its spaces at the end, but not at the begin.
 *
 * The core's `^` and `$` match at every line, so the patterns say `\A` and `\z`.
 */
export function plainNormalizer(model: SentencePieceModel): TokenizerJson["normalizer"] {
  const { charsmap, removeExtraWhitespaces, addDummyPrefix } = model;
  const replace = (pattern: string, content: string) => ({
    type: "Replace",
    pattern: { Regex: pattern },
    content,
  });
  const mark = WORD_START;
  const spaces = [
    ...(removeExtraWhitespaces ? [replace(`[ ${mark}]+\\z`, ""), replace(" {2,}", " ")] : []),
    ...(removeExtraWhitespaces && !addDummyPrefix ? [replace("\\A ", "")] : []),
    ...(!removeExtraWhitespaces && addDummyPrefix ? [replace("\\A ", "  ")] : []),
    ...(addDummyPrefix ? [replace(`\\A${mark}`, mark + mark)] : []),
  ];
  const normalizers = [...normalization(charsmap, removeExtraWhitespaces), ...spaces];
  return normalizers.length === 0 ? null : { type: "Sequence", normalizers };
}

/**
 * The core takes the two characters of a line end as one, for which the rule of the first holds. Where spaces count, that
 * one goes first, by itself.
 */
function normalization(charsmap: Uint8Array, removeExtraWhitespaces: boolean) {
  if (charsmap.length === 0) return [];
  const all = precompiled(Buffer.from(charsmap).toString("base64"));
  const content = removeExtraWhitespaces ? undefined : replacementOf(charsmap, "\r");
  return content === undefined ? [all] : [{ type: "Replace", pattern: { String: "\r" }, content }, all];
}

/**
 * A text is cut at spaces first, which is quicker, unless a piece goes across one. What follows a symbol of the model's
 * maker goes on in the same word; "first" sees to that, but misses the start of a text of which the normalizer took the
 * first character away.
 */
export function plainSplitter({
  pieces,
  addDummyPrefix,
}: SentencePieceModel): TokenizerJson["pre_tokenizer"] {
  const isWithinWords = pieces.every(({ piece }) => piece.indexOf(WORD_START, 1) === -1);
  const scheme = pieces.some(({ type }) => type === PIECE.userDefined) ? "first" : "always";
  return metaspace(addDummyPrefix ? scheme : "never", isWithinWords);
}
