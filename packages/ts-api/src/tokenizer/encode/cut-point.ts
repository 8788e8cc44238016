import { type CutRules, folded } from "./cut-rules.ts";

/** Characters that are looked at for a place to cut. */
const SEARCH = 4096;
/** A character before a cut: no invisible one, none that joins with what follows; a mark only at the end of a word. */
const BEFORE = /[\p{L}\p{N}!-/:-@[-`{-~]/u;
const BEFORE_BLANK = /[\p{L}\p{N}\p{M}!-/:-@[-`{-~]/u;
/** A character after a cut: one that joins with nothing before it. */
const AFTER = /[\p{L}\p{N} !-/:-@[-`{-~]/u;
/**
 * Parts of surrogate pairs; letters that are joined with a neighbour (Hangul's single letters, half-width voiced marks,
 * Thai and Lao am, a letter that prefixes the next one); modifiers.
 */
const JOINS =
  /[\ud800-\udfff\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uff9e\uff9f\u3131-\u318e\uffa0-\uffdc\u0d4e\u0e33\u0eb3\p{Lm}]/u;
/** Characters that normalizers keep as one, or make one other of. No quotes: some normalizers join two of them. */
const PLAIN =
  /^[0-9A-Za-z!#-&(-/:-@\u4e00-\u9fa5\u3041-\u3094\u30a1-\u30fa\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]+$/;
/** Around the places within a word. */
const MARGIN = 3;
const PLAIN_ASCII = /^[!-&(-~]+$/;

/**
 * The first place at or behind `from` where a text may be cut: normalizing and splitting what is before it gives the
 * same words as in the whole text, but for the last one.
 */
export function cutBehind(text: string, from: number, rules: CutRules): number | undefined {
  for (let at = from; at < Math.min(text.length, from + SEARCH); at++) {
    if (isCut(text, at, rules) && !hasTokenAcross(text, at, rules)) return at;
  }
  return undefined;
}

/** The same for what is behind a place, at or before `from`: the place is a blank between two words. */
export function cutBefore(text: string, from: number, rules: CutRules): number | undefined {
  for (let at = from; at > Math.max(0, from - SEARCH); at--) {
    const isBlank = text[at] === " " && /[\p{L}\p{N}]/u.test(text[at + 1] ?? "");
    if (isBlank && isCut(text, at, rules) && !hasTokenAcross(text, at, rules)) return at;
  }
  return undefined;
}

function isCut(text: string, at: number, { replaced }: CutRules): boolean {
  const [before = "", after = ""] = [text[at - 1], text[at]];
  if (replaced.includes(before) || replaced.includes(after)) return false;
  if (
    !(after === " " ? BEFORE_BLANK : BEFORE).test(before) ||
    !AFTER.test(after) ||
    JOINS.test(before) ||
    JOINS.test(after)
  )
    return false;
  return !/['\u2019]/.test(text.slice(at - 4, at)); // 're, 've, 'll of byte-level splitters
}

/** Whether an added token might lie across a place, however the text is normalized. */
function hasTokenAcross(text: string, at: number, { added, longestAdded: longest }: CutRules): boolean {
  if (longest === 0) return false;
  const reach = 64 + 4 * longest;
  const [before, after] = [
    folded(text.slice(Math.max(0, at - reach), at)),
    folded(text.slice(at, at + reach)),
  ];
  if (before.length < longest || (after.length < longest && at + reach < text.length)) return true;
  const around = before.slice(-longest) + after.slice(0, longest);
  return added.some((token) => around.includes(token));
}

/**
 * The first of `rules.longestPiece` places in a row, at or behind `from`, that are all within one word, between
 * characters that no normalizer changes in number. A piece ends at one of them, however the text goes on.
 */
export function cutsInWord(text: string, from: number, rules: CutRules): number | undefined {
  const width = rules.longestPiece!;
  for (let at = from; at < from + SEARCH; at += 4) {
    const around = text.slice(at - MARGIN, at + width + MARGIN);
    if (around.length < width + 2 * MARGIN) return undefined;
    if (isPlain(around, rules) && !hasTokenNear(text, at, width, rules)) return at;
  }
  return undefined;
}

function isPlain(text: string, { isByteLevel, decomposes }: CutRules): boolean {
  if (isByteLevel) return PLAIN_ASCII.test(text) || /^ +$/.test(text);
  return PLAIN.test(text) && !(decomposes && text.normalize("NFKD") !== text);
}

function hasTokenNear(text: string, at: number, width: number, { added, longestAdded }: CutRules): boolean {
  const around = folded(text.slice(Math.max(0, at - 4 * longestAdded), at + width + 4 * longestAdded));
  return added.some((token) => around.includes(token));
}
