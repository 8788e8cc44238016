import type { TokenizerJson } from "../json/index.ts";

/** What is known of a tokenizer's parts that decides where a long text may be cut. */
export interface CutRules {
  /** Texts of added tokens, which are found in a text before anything else, as {@link folded} writes them. */
  added: string[];
  /** WordPiece: a word of more characters than this is one unknown token, whatever it is. */
  longestWord?: number;
  /** No added token is made of letters and digits alone, so none is within a word. */
  keepsWords: boolean;
  /** Characters of the longest added token, folded; 0 without added tokens. */
  longestAdded: number;
  /** BPE and unigram: characters of the longest piece. */
  longestPiece?: number;
  /** Characters of patterns that the normalizer replaces, such as two quotes in a row. */
  replaced: string;
  /** Words end at any whitespace, and a run of it is as good as one. */
  splitsAtWhitespace: boolean;
  /** A letter may become two characters when it is normalized: NFD without dropping the marks. */
  decomposes: boolean;
  /** Byte-level BPE on the text as it is: each ASCII character is a symbol of its own, blanks as well. */
  isByteLevel: boolean;
}

type Step = Record<string, unknown>;

const WHITESPACE_SPLITTERS = new Set(["BertPreTokenizer", "Whitespace", "WhitespaceSplit"]);

/**
 * The rules of a tokenizer, or undefined for one whose words may depend on text far away: it has steps with patterns of
 * its own, or steps that are not known here.
 */
export function cutRules({
  normalizer,
  pre_tokenizer: splitter,
  model,
  added_tokens,
}: TokenizerJson): CutRules | undefined {
  const [normalizers, splitters] = [stepsOf(normalizer, "normalizers"), stepsOf(splitter, "pretokenizers")];
  if (!normalizers.every(isLocalNormalizer)) return undefined;
  if (splitters.length === 0 || !splitters.every(isLocalSplitter)) return undefined;
  const has = (...types: string[]) => normalizers.some(({ type }) => types.includes(String(type)));
  const isByteLevel =
    normalizers.length === 0 && splitters.length === 1 && splitters[0]!.type === "ByteLevel";
  const added = added_tokens.map(({ content }) => folded(content));
  if (added.includes("")) return undefined;
  const pieces = Array.isArray(model.vocab) ? model.vocab.map(([piece]) => piece) : Object.keys(model.vocab);
  const longest = pieces.reduce((most, piece) => Math.max(most, piece.length), 1);
  const common = {
    added,
    longestAdded: added.reduce((most, token) => Math.max(most, token.length), 0),
    replaced: normalizers.map(patternOf).join(""),
    keepsWords: !added.some((token) => /^[\p{L}\p{N}]+$/u.test(token)),
    splitsAtWhitespace:
      WHITESPACE_SPLITTERS.has(String(splitters[0]!.type)) &&
      !added_tokens.some(({ content }) => /\s/.test(content)),
    decomposes: has("NFD", "NFKD") && !has("StripAccents"),
    isByteLevel,
  };
  switch (kindOf(model)) {
    case "WordPiece":
      return { ...common, longestWord: Number(model.max_input_chars_per_word ?? 100) };
    case "Unigram":
      return { ...common, longestPiece: longest };
    case "BPE": {
      // A mark at the end of a word makes its last piece depend on where the word is cut.
      const isPlain = !model.end_of_word_suffix && !model.continuing_subword_prefix;
      return isPlain ? { ...common, longestPiece: longest } : common;
    }
    default:
      return undefined;
  }
}

/** Files of older versions have no type. */
function kindOf(model: TokenizerJson["model"]): string {
  if (typeof model.type === "string") return model.type;
  if (Array.isArray(model.vocab)) return "Unigram";
  return model.merges === undefined ? "WordPiece" : "BPE";
}

function stepsOf(value: unknown, within: string): Step[] {
  if (typeof value !== "object" || value === null) return [];
  const { type, [within]: inner } = value as Step;
  return type === "Sequence" && Array.isArray(inner)
    ? inner.flatMap((step) => stepsOf(step, within))
    : [value as Step];
}

const LOCAL_NORMALIZERS = new Set([
  ...[
    "BertNormalizer",
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Lowercase",
    "StripAccents",
    "Nmt",
    "Precompiled",
    "Strip",
  ],
  "Prepend",
]);

/** Patterns of blanks and of the mark of a word; those with `^`, `$`, `\A` and `\z` do something at ends only. */
const BLANK_PATTERN = /^[\^$|+ ▁[\]{}2,\\AzsZ]*$/;

function isLocalNormalizer({ type, pattern }: Step): boolean {
  if (type !== "Replace") return LOCAL_NORMALIZERS.has(String(type));
  const { String: text, Regex: expression } = (pattern ?? {}) as { String?: unknown; Regex?: unknown };
  if (typeof text === "string") return true;
  return typeof expression === "string" && BLANK_PATTERN.test(expression);
}

function patternOf({ pattern }: Step): string {
  const { String: text } = (pattern ?? {}) as { String?: unknown };
  return typeof text === "string" ? text : "";
}

const LOCAL_SPLITTERS = new Set([
  ...["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "ByteLevel"],
]);

function isLocalSplitter({ type, split }: Step): boolean {
  return LOCAL_SPLITTERS.has(String(type)) || (type === "Metaspace" && split !== false);
}

/** A text without all that any normalizer may change: what is equal after one of them is equal after this. */
export function folded(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .normalize("NFKD")
    .replaceAll(/[\p{M}\p{C}\p{Z}\s]+/gu, "");
}
