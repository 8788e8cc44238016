import type { AddedToken } from "../settings.ts";

/** `tokenizer.json`, as far as it is looked at; the Rust core reads it as a whole. */
export interface TokenizerJson {
  version: string;
  truncation: { direction?: string } | null;
  padding: unknown;
  added_tokens: (AddedToken & { id: number })[];
  normalizer: Record<string, unknown> | null;
  pre_tokenizer: Record<string, unknown> | null;
  post_processor: Record<string, unknown> | null;
  decoder: Record<string, unknown> | null;
  model: Record<string, unknown> & { vocab: Record<string, number> | [string, number][] };
}

/** What decides how a BERT tokenizer cuts a text. */
export interface BertOptions {
  lowercase: boolean;
  /** Null: as `lowercase` says. */
  stripAccents: boolean | null;
  handleChineseChars: boolean;
  unknown: string;
  cls: string;
  sep: string;
}

/** WordPiece with BERT's own normalizer and splitter; the layout of transformers' `BertTokenizer`. */
export function bertJson(
  vocab: Record<string, number>,
  added: TokenizerJson["added_tokens"],
  options: BertOptions,
): TokenizerJson {
  const id = (token: string) => idOf(token, vocab, added);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: options.handleChineseChars,
      strip_accents: options.stripAccents,
      lowercase: options.lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: bertTemplate(options.cls, options.sep, id),
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: options.unknown,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

const special = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });

/** `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`; the second text and its end are of type 1. */
export function bertTemplate(cls: string, sep: string, id: (token: string) => number): TemplateJson {
  const single = [special(cls, 0), sequence("A", 0), special(sep, 0)];
  return template([cls, sep], id, single, [...single, sequence("B", 1), special(sep, 1)]);
}

/** `<s> A </s>` and `<s> A </s> </s> B </s>`, all of type 0. */
export function fairseqTemplate(cls: string, sep: string, id: (token: string) => number): TemplateJson {
  const single = [special(cls, 0), sequence("A", 0), special(sep, 0)];
  return template([cls, sep], id, single, [...single, special(sep, 0), sequence("B", 0), special(sep, 0)]);
}

type TemplateJson = NonNullable<TokenizerJson["post_processor"]>;

function template(
  tokens: string[],
  id: (token: string) => number,
  single: unknown[],
  pair: unknown[],
): TemplateJson {
  const entries = tokens.map((token) => [token, { id: token, ids: [id(token)], tokens: [token] }]);
  return { type: "TemplateProcessing", single, pair, special_tokens: Object.fromEntries(entries) };
}

/** What decides how a RoBERTa tokenizer cuts a text. */
export interface RobertaOptions {
  addPrefixSpace: boolean;
  trimOffsets: boolean;
  cls: string;
  sep: string;
}

/** Byte-level BPE; the layout of transformers' `RobertaTokenizer`. */
export function robertaJson(
  vocab: Record<string, number>,
  merges: [string, string][],
  added: TokenizerJson["added_tokens"],
  options: RobertaOptions,
): TokenizerJson {
  const { cls, sep, addPrefixSpace, trimOffsets } = options;
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: addPrefixSpace,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [sep, idOf(sep, vocab, added)],
      cls: [cls, idOf(cls, vocab, added)],
      trim_offsets: trimOffsets,
      add_prefix_space: addPrefixSpace,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

export function idOf(
  token: string,
  vocab: Record<string, number>,
  added: TokenizerJson["added_tokens"],
): number {
  const id = added.find(({ content }) => content === token)?.id ?? vocab[token];
  if (id === undefined) throw new Error(`"${token}" is neither in the vocabulary nor added`);
  return id;
}

/** All ids by token; an added token has the same id as the vocabulary's, or one beyond it. */
export function tokenIds(json: TokenizerJson): Map<string, number> {
  const { vocab } = json.model;
  const ids = Array.isArray(vocab)
    ? new Map(vocab.map(([token], id) => [token, id]))
    : new Map(Object.entries(vocab));
  for (const { content, id } of json.added_tokens) ids.set(content, id);
  return ids;
}
