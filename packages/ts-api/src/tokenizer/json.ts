import type { AddedToken } from "./settings.ts";

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
  const { cls, sep } = options;
  const special = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  const sequence = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  const entry = (token: string) => ({ id: token, ids: [idOf(token, vocab, added)], tokens: [token] });
  const single = [special(cls, 0), sequence("A", 0), special(sep, 0)];
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
    post_processor: {
      type: "TemplateProcessing",
      single,
      pair: [...single, sequence("B", 1), special(sep, 1)],
      special_tokens: { [cls]: entry(cls), [sep]: entry(sep) },
    },
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

function idOf(token: string, vocab: Record<string, number>, added: TokenizerJson["added_tokens"]): number {
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
