import type { Tokenizer as CoreTokenizer, Encoding } from "tokenizers";
import type { TokenizerJson } from "../json/index.ts";
import { cutBefore, cutBehind, cutsInWord } from "./cut-point.ts";
import { type CutRules, cutRules } from "./cut-rules.ts";
import type { TruncationSide } from "./truncate.ts";

/** Shorter texts are tokenized as they are: this many characters, and so many for each token that is wanted. */
const SHORT_TEXT = 8192;
const CHARACTERS_PER_TOKEN = 32;
/** How much longer the next attempt is. */
const GROWTH = 4;
/** Pieces longer than this are looked for in vain. */
const LONGEST_PIECE = 256;
/** Places within a word are tried in the first attempts only: each takes as many encodings as a piece is long. */
const IN_WORD_LIMIT = 1 << 16;

/**
 * Cuts long texts before they are tokenized, so that a text of 100 MB takes no more memory than a page. The tokens that
 * are wanted, at most `maxLength` of them, are the same as those of the whole text:
 *
 * - A cut is made where neither normalizer nor splitter nor an added token joins what is before it with what is behind it.
 *   So the words before it are those of the whole text, but for the last one, which may go on.
 * - Where a word itself is long: in WordPiece it is one unknown token, and loses its middle. The pieces of BPE and unigram
 *   models before a place where a piece ends do not depend on what is behind it. One ends within any `longestPiece`
 *   places in a row, so the first pieces are certain where they are the same for all of these places.
 *
 * Where no such place is found, and for tokenizers with patterns of their own, a text stays whole.
 */
export class TextCutter {
  readonly #rules: CutRules | undefined;
  readonly #side: TruncationSide;

  constructor(json: TokenizerJson, side: TruncationSide) {
    this.#rules = cutRules(json);
    this.#side = side;
  }

  /** Whether texts of this tokenizer can be cut at all. */
  get cuts(): boolean {
    return this.#rules !== undefined;
  }

  /**
   * @param tokenizer Without truncation.
   * @param tokens How many tokens of the text are wanted, from the side that is kept.
   */
  async cut(tokenizer: CoreTokenizer, text: string, tokens: number): Promise<CutText> {
    const rules = this.#rules;
    if (rules === undefined || !isLong(text, tokens)) return { text, hasAll: true };
    let rest: string | undefined;
    for (let size = SHORT_TEXT / 4 + 8 * tokens; 2 * size < (rest ?? text).length; size *= GROWTH) {
      const part =
        (await this.#cutAtWords(tokenizer, rest ?? text, size, tokens, rules)) ??
        (await this.#cutInWord(tokenizer, rest ?? text, size, tokens, rules));
      if (part !== undefined) return { text: part, hasAll: false };
      rest ??= withoutRuns(text, rules);
    }
    return { text: rest ?? text, hasAll: true };
  }

  /**
   * Cuts both texts of a pair, of which the one with more tokens is truncated first.
   *
   * @param room Tokens of both together that stay.
   */
  async cutPair(
    tokenizer: CoreTokenizer,
    pair: readonly [string, string],
    room: number,
  ): Promise<[string, string]> {
    for (let tokens = room; ; ) {
      const first = await this.cut(tokenizer, pair[0], tokens);
      const second = await this.cut(tokenizer, pair[1], tokens);
      const [whole] = [first, second].filter(({ hasAll }) => hasAll);
      // With an even room, both keep half of it, whichever is longer.
      const isSettled = whole === undefined ? room % 2 === 0 : first.hasAll && second.hasAll;
      if (isSettled) return [first.text, second.text];
      // The text that was cut has more than `tokens` tokens. Is that more than the other one has?
      const most = whole === undefined ? GROWTH * tokens : (await encode(tokenizer, whole.text)).getLength();
      if (most <= tokens) return [first.text, second.text];
      tokens = most;
    }
  }

  async #cutAtWords(core: CoreTokenizer, text: string, size: number, tokens: number, rules: CutRules) {
    const isRight = this.#side === "right";
    const at = isRight ? cutBehind(text, size, rules) : cutBefore(text, text.length - size, rules);
    if (at === undefined) return undefined;
    const part = isRight ? text.slice(0, at) : text.slice(at);
    const words = (await encode(core, part)).getWordIds();
    const open = isRight ? words.at(-1) : words[0];
    return words.filter((word) => word !== open).length > tokens ? part : undefined;
  }

  async #cutInWord(core: CoreTokenizer, text: string, size: number, tokens: number, rules: CutRules) {
    const { longestPiece: width = Number.POSITIVE_INFINITY } = rules;
    if (this.#side === "left" || width > LONGEST_PIECE || size > IN_WORD_LIMIT) return undefined;
    const at = cutsInWord(text, size, rules);
    if (at === undefined) return undefined;
    let expected: string | undefined;
    for (let i = 0; i < width; i++) {
      const ids = (await encode(core, text.slice(0, at + i))).getIds();
      const first = ids.slice(0, tokens + 1).join();
      expected ??= first;
      if (ids.length <= tokens || first !== expected) return undefined;
    }
    return text.slice(0, at);
  }
}

/** A text that stands for another one. */
export interface CutText {
  text: string;
  /** Whether it has all tokens of the other one; else it has more than were wanted. */
  hasAll: boolean;
}

/** Whether a text is worth cutting where this many tokens are wanted of it. */
export function isLong(text: string, tokens: number): boolean {
  return text.length > SHORT_TEXT + CHARACTERS_PER_TOKEN * tokens;
}

function encode(tokenizer: CoreTokenizer, text: string): Promise<Encoding> {
  return tokenizer.encode(text, null, { addSpecialTokens: false });
}

const KEPT_BLANKS = 64;
const BLANK = 1;
const LETTER = 2;

/**
 * A text with the same tokens, without the rest of long runs: of blanks, where words end at one, and of letters in a word
 * that is too long for WordPiece.
 */
function withoutRuns(text: string, { longestWord, keepsWords, splitsAtWhitespace }: CutRules): string {
  const limits = [
    Number.POSITIVE_INFINITY,
    splitsAtWhitespace ? KEPT_BLANKS : Number.POSITIVE_INFINITY,
    longestWord !== undefined && keepsWords ? 2 * longestWord + 100 : Number.POSITIVE_INFINITY,
  ];
  const kinds = kindsOfCharacters();
  const kept: string[] = [];
  let from = 0;
  for (let start = 0, end = 0; start < text.length; start = end) {
    const kind = kindAt(text, start, kinds);
    for (end = start + 1; end < text.length && kindAt(text, end, kinds) === kind; ) end++;
    const limit = limits[kind]!;
    if (end - start <= limit) continue;
    kept.push(text.slice(from, start + limit));
    from = end;
  }
  return from === 0 ? text : `${kept.join("")}${text.slice(from)}`;
}

function kindAt(text: string, at: number, kinds: Uint8Array): number {
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return kinds[unit]!;
  const [high, low] = unit < 0xdc00 ? [unit, text.charCodeAt(at + 1)] : [text.charCodeAt(at - 1), unit];
  // U+1F300 to U+1F64F: symbols, which are no punctuation, and old enough to be known as such everywhere.
  const isSymbol = (high === 0xd83c && low >= 0xdf00) || (high === 0xd83d && low >= 0xdc00 && low <= 0xde4f);
  return isSymbol ? LETTER : 0;
}

let kindTable: Uint8Array | undefined;

/**
 * By UTF-16 unit. Letters are those of scripts that have spaces between words, which stay letters, and at least one
 * character each, however they are normalized.
 */
function kindsOfCharacters(): Uint8Array {
  if (kindTable !== undefined) return kindTable;
  const table = new Uint8Array(1 << 16);
  for (const blank of " \t\n\r") table[blank.charCodeAt(0)] = BLANK;
  const ranges = [
    [0x30, 0x7a],
    [0xc0, 0x24f],
    [0x370, 0x52f],
    [0x531, 0x587],
    [0x5d0, 0x5ea],
    [0x620, 0x64a],
    [0x904, 0x939],
    [0xe01, 0xe30],
    [0x3041, 0x3096],
    [0x30a1, 0x30fa],
    [0xac00, 0xd7a3],
  ] as const;
  for (const [first, last] of ranges) {
    for (let code = first; code <= last; code++) {
      if (/[\p{L}\p{Nd}]/u.test(String.fromCharCode(code))) table[code] = LETTER;
    }
  }
  kindTable = table;
  return table;
}
