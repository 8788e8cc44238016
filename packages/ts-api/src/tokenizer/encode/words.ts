import type { Encoding } from "tokenizers";
import { chineseRuns, type WordSegmenter } from "../chinese.ts";
import type { TokenizerJson } from "../json/index.ts";
import { WORD_START } from "../sentencepiece/index.ts";

/** How a tokenizer's pieces tell where a word begins. */
export interface WordMarks {
  /** Whether a piece begins a word, by its text; absent where the splitter's words are all that is known. */
  begins?: (piece: string) => boolean;
  /** Special tokens other than the unknown one, by id. */
  specials: ReadonlySet<number>;
}

/** The byte-level forms of a space, a line feed, a tab and a carriage return. */
const BYTE_LEVEL_SPACE = /^[\u0120\u010a\u0109\u010d]/;

export function wordMarks(json: TokenizerJson): WordMarks {
  const { model, pre_tokenizer: splitter } = json;
  const unknown = model.unk_token ?? (model.vocab as [string, number][])[Number(model.unk_id)]?.[0];
  const added = json.added_tokens.filter(({ special, content }) => special && content !== unknown);
  const specials = new Set(added.map(({ id }) => id));
  const prefix = model.continuing_subword_prefix;
  if (typeof prefix === "string" && prefix !== "") {
    return { begins: (piece) => !piece.startsWith(prefix), specials };
  }
  if (hasStep(splitter, "ByteLevel")) return { begins: (piece) => BYTE_LEVEL_SPACE.test(piece), specials };
  if (hasStep(splitter, "Metaspace")) return { begins: (piece) => piece.startsWith(WORD_START), specials };
  return { specials };
}

function hasStep(splitter: TokenizerJson["pre_tokenizer"], type: string): boolean {
  if (splitter?.type === type) return true;
  return Array.isArray(splitter?.pretokenizers) && splitter.pretokenizers.some((step) => hasStep(step, type));
}

/** A token's word where it has none. */
export const NO_WORD = -1;

/**
 * The word of each token: a number that grows from token to token, by 0 within a word and by 1 to the next; -1 for
 * a special token, in a text as well.
 *
 * A word is what the pieces say: with all pieces that continue it (`##` of WordPiece), or from one mark of a word (`Ġ` of
 * byte-level BPE, `▁` of SentencePiece) to the next, punctuation included. Chinese has no spaces, so a run of
 * Chinese characters is cut by a segmenter; a piece that crosses its cuts joins the words. No word goes on from Chinese to
 * other characters.
 *
 * @param texts The text, and the second one of a pair.
 * @throws ERR_FINETAG_ARGUMENT for a segmenter whose words are not the run that it was given.
 */
export function wordsOfTokens(
  encoding: Encoding,
  texts: readonly string[],
  marks: WordMarks,
  segment: WordSegmenter,
): Int32Array {
  const [ids, pieces, offsets] = [encoding.getIds(), encoding.getTokens(), encoding.getOffsets()];
  const [sequences, splits] = [encoding.getSequenceIds(), encoding.getWordIds()];
  const chinese = texts.map((text) => chineseRuns(text, segment));
  const words = new Int32Array(ids.length).fill(NO_WORD);
  let word = -1;
  for (const [i, id] of ids.entries()) {
    const sequence = sequences[i];
    if (sequence == null || marks.specials.has(id)) continue;
    const runs = chinese[sequence]!;
    const [start, end] = offsets[i] as [number, number];
    const [before, after] = (offsets[i - 1] ?? [0, 0]) as [number, number];
    const goesOn = (): boolean => {
      if (words[i - 1] === undefined || words[i - 1] === NO_WORD || sequences[i - 1] !== sequence)
        return false;
      const isNext = start >= after && end > start && after > before;
      if (isNext && (runs.has(start) || runs.has(after - 1))) {
        return runs.has(start) && runs.has(after - 1) && !runs.begins(start);
      }
      // Bytes of one Chinese character, or the mark before it.
      if (end > start && runs.has(start)) return start < after || after === before;
      return marks.begins === undefined ? splits[i] === splits[i - 1] : !marks.begins(pieces[i]!);
    };
    if (!goesOn()) word++;
    words[i] = word;
  }
  return words;
}

/** Numbers the words that are left of a text from 0 on, without gaps. */
export function renumbered(words: Int32Array): Int32Array {
  let [number, last] = [-1, NO_WORD];
  return words.map((word) => {
    if (word === NO_WORD) return NO_WORD;
    if (word !== last) number++;
    last = word;
    return number;
  });
}
