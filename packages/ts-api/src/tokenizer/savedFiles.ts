import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { ioError, readSmallFile } from "../io/index.ts";
import { familyOf, type ModelConfig, maxTextLength } from "../models/index.ts";
import { buildBert, buildRoberta } from "./build.ts";
import type { TokenizerJson } from "./json.ts";
import type { TokenizerSettings } from "./settings.ts";

/** Files of the older layout; copied, since tools other than transformers 5 read them. */
const COPIED = ["vocab.txt", "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json"];

/**
 * What a saved model needs so that transformers cuts texts as finetag did.
 *
 * transformers 5 takes from `tokenizer.json` no more than the vocabulary where the class is `BertTokenizer` or
 * `RobertaTokenizer`, and builds the rest from `tokenizer_config.json`. So that file names every setting; and where the
 * class could not build this tokenizer, it names the general class, which takes `tokenizer.json` as it is.
 */
export async function savedFiles(dir: string, source: SavedTokenizer): Promise<Map<string, Uint8Array>> {
  const encode = (value: string) => new TextEncoder().encode(value);
  const files = new Map<string, Uint8Array>();
  files.set("tokenizer.json", encode(source.text));
  files.set("tokenizer_config.json", encode(`${JSON.stringify(savedConfig(source), null, 2)}\n`));
  const present = new Set(await readdir(dir).catch((error) => Promise.reject(ioError(error, "read", dir))));
  for (const name of COPIED) {
    if (present.has(name)) files.set(name, await readSmallFile(join(dir, name), "ERR_FINETAG_MODEL"));
  }
  return files;
}

/** A tokenizer as it runs, and where it comes from. */
export interface SavedTokenizer {
  json: TokenizerJson;
  /** `json` as text. */
  text: string;
  /** All ids by token. */
  ids: ReadonlyMap<string, number>;
  settings: TokenizerSettings;
  config: ModelConfig;
  truncationSide: "left" | "right";
}

function savedConfig({
  json,
  ids,
  settings,
  config,
  truncationSide,
}: SavedTokenizer): Record<string, unknown> {
  const { auto_map: _code, ...kept } = settings.json; // code of the model's own repository, which is not copied
  const named = [...settings.named].filter(([role, { content }]) => !(role in kept) && ids.has(content));
  const base: Record<string, unknown> = {
    model_max_length: maxTextLength(config),
    ...Object.fromEntries(named.map(([role, { content }]) => [role, content])),
    ...kept,
  };
  if (truncationSide === "left") base.truncation_side = truncationSide;
  const candidate = { ...base, ...classSettings(json, settings.className) };
  if (isBuiltByClass(json, { ...settings, json: candidate }, config)) return candidate;
  return { ...base, ...generalTokens(json, config, base), tokenizer_class: "PreTrainedTokenizerFast" };
}

function classSettings(tokenizer: TokenizerJson, className: string): Record<string, unknown> {
  const { normalizer, pre_tokenizer: splitter, post_processor: processor } = tokenizer;
  if (className === "BertTokenizer") {
    return {
      tokenizer_class: className,
      do_lower_case: normalizer?.lowercase,
      strip_accents: normalizer?.strip_accents,
      tokenize_chinese_chars: normalizer?.handle_chinese_chars,
    };
  }
  return {
    tokenizer_class: className,
    add_prefix_space: splitter?.add_prefix_space,
    trim_offsets: processor?.trim_offsets,
  };
}

/** Whether transformers' class, given the vocabulary and these settings, comes to the same tokenizer. */
function isBuiltByClass(tokenizer: TokenizerJson, settings: TokenizerSettings, config: ModelConfig): boolean {
  const { vocab, merges } = tokenizer.model;
  if (Array.isArray(vocab)) return false;
  const rows = config.native.vocabSize;
  try {
    const built =
      settings.className === "BertTokenizer"
        ? buildBert("", vocab, settings, rows)
        : settings.className === "RobertaTokenizer"
          ? buildRoberta("", vocab, merges as [string, string][], settings, rows)
          : undefined;
    return built !== undefined && isDeepStrictEqual(shapeOf(built), shapeOf(tokenizer));
  } catch {
    return false; // the vocabulary lacks a token that the class needs
  }
}

/** All that decides about ids but the vocabulary, with defaults of older files filled in. */
function shapeOf({ normalizer, pre_tokenizer: splitter, post_processor, model }: TokenizerJson) {
  const { vocab: _vocab, merges: _merges, unk_token: unknown, ...rest } = model;
  const { trim_offsets: _trim, ...split } = { use_regex: true, ...splitter } as Record<string, unknown>;
  return {
    normalizer,
    split,
    process: withoutOffsets(post_processor),
    unknown: model.type === "WordPiece" ? unknown : null,
    model: {
      dropout: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)),
    },
  };
}

function withoutOffsets(processor: TokenizerJson["post_processor"]): Record<string, unknown> {
  const { trim_offsets: _trim, add_prefix_space: _prefix, ...rest } = processor ?? {};
  return rest;
}

/** The general class knows no names of its own, of which padding needs one, and by itself gives no token types. */
function generalTokens(
  tokenizer: TokenizerJson,
  config: ModelConfig,
  base: Record<string, unknown>,
): Record<string, unknown> {
  const padding = tokenizer.added_tokens.find(({ id }) => id === config.native.padTokenId)?.content;
  const tokens: Record<string, unknown> = {};
  if (base.pad_token === undefined && padding !== undefined) tokens.pad_token = padding;
  tokens.model_input_names = familyOf(config).pairTypes
    ? ["input_ids", "token_type_ids", "attention_mask"]
    : ["input_ids", "attention_mask"];
  return tokens;
}
