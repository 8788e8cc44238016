import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { listNames, OLDER_TOKENIZER_FILES, readSmallFile } from "../io/index.ts";
import { familyOf, type ModelConfig, maxTextLength } from "../models/index.ts";
import { CLASSES } from "./classes.ts";
import { charsmapsOf } from "./from-json.ts";
import { bertTemplate, buildBert, buildRoberta, fairseqTemplate, type TokenizerJson } from "./json/index.ts";
import { sentencePieceLayout } from "./sentencepiece/index.ts";
import type { TokenizerSettings } from "./settings.ts";

/**
 * What a saved model needs so that transformers cuts texts as finetag did.
 *
 * transformers 5 takes from `tokenizer.json` no more than the vocabulary where the class is one of {@link CLASSES}, and
 * builds the rest from `tokenizer_config.json`. So that file names every setting; and where the
 * class could not build this tokenizer, it names the general class, which takes `tokenizer.json` as it is.
 */
export async function savedFiles(dir: string, source: SavedTokenizer): Promise<Map<string, Uint8Array>> {
  const encode = (value: string) => new TextEncoder().encode(value);
  const files = new Map<string, Uint8Array>();
  files.set("tokenizer.json", encode(source.text));
  files.set("tokenizer_config.json", encode(`${JSON.stringify(savedConfig(source), null, 2)}\n`));
  const present = new Set(await listNames(dir));
  for (const name of OLDER_TOKENIZER_FILES) {
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
  /** Whether the second text of a pair is of type 1. */
  pairTypes: boolean;
  truncationSide: "left" | "right";
}

function savedConfig(source: SavedTokenizer): Record<string, unknown> {
  const { json, ids, settings, config, pairTypes, truncationSide } = source;
  const { auto_map: _code, ...kept } = settings.json; // code of the model's own repository, which is not copied
  const named = [...settings.named].filter(([role, { content }]) => !(role in kept) && ids.has(content));
  const base: Record<string, unknown> = {
    model_max_length: maxTextLength(config),
    ...Object.fromEntries(named.map(([role, { content }]) => [role, content])),
    ...kept,
  };
  if (truncationSide === "left") base.truncation_side = truncationSide;
  const { className } = settings;
  const candidate = { ...base, ...classSettings(json, className) };
  const names = { model_input_names: inputNames(pairTypes) };
  if (isBuiltByClass(json, { ...settings, json: candidate }, config))
    return { ...candidate, ...(isUsual(className, pairTypes, config) ? {} : names) };
  const tokens = { ...generalPadding(json, config, base), ...names };
  return { ...base, ...tokens, tokenizer_class: "PreTrainedTokenizerFast" };
}

/** Whether a reader comes to the same types without being told. */
function isUsual(className: string, pairTypes: boolean, config: ModelConfig): boolean {
  return CLASSES[className]?.givesTypes === pairTypes && familyOf(config).pairTypes === pairTypes;
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
  if (className === "AlbertTokenizer") {
    const steps = normalizer?.normalizers;
    const has = (type: string) => Array.isArray(steps) && steps.some((step) => step?.type === type);
    return {
      tokenizer_class: className,
      do_lower_case: has("Lowercase"),
      keep_accents: !has("StripAccents"),
    };
  }
  if (className === "XLMRobertaTokenizer") return { tokenizer_class: className };
  return {
    tokenizer_class: className,
    add_prefix_space: splitter?.add_prefix_space,
    trim_offsets: processor?.trim_offsets,
  };
}

/** Whether transformers' class, given the vocabulary and these settings, comes to the same tokenizer. */
function isBuiltByClass(tokenizer: TokenizerJson, settings: TokenizerSettings, config: ModelConfig): boolean {
  try {
    const built = builtByClass(tokenizer, settings, config.native.vocabSize);
    return built !== undefined && isDeepStrictEqual(shapeOf(built), shapeOf(tokenizer));
  } catch {
    return false; // the vocabulary lacks a token that the class needs
  }
}

function builtByClass(
  tokenizer: TokenizerJson,
  settings: TokenizerSettings,
  rows: number,
): TokenizerJson | undefined {
  const { vocab, merges, type } = tokenizer.model;
  const { className } = settings;
  if (!Array.isArray(vocab)) {
    if (className === "BertTokenizer") return buildBert("", vocab, settings, rows);
    if (className === "RobertaTokenizer")
      return buildRoberta("", vocab, merges as [string, string][], settings, rows);
    return undefined;
  }
  // Where the unknown piece has another id than in every published model, the class is wrong about it.
  const unkId = UNIGRAM_UNKNOWN[className];
  if (type !== "Unigram" || unkId === undefined) return undefined;
  const [charsmap = ""] = charsmapsOf(tokenizer.normalizer);
  const id = (token: string) => vocab.findIndex(([piece]) => piece === token);
  return {
    ...tokenizer,
    ...sentencePieceLayout(settings, charsmap),
    post_processor:
      className === "AlbertTokenizer"
        ? bertTemplate("[CLS]", "[SEP]", id)
        : fairseqTemplate("<s>", "</s>", id),
    model: { type: "Unigram", unk_id: unkId, byte_fallback: false, vocab },
  };
}

/** The id that transformers' class has for it. */
const UNIGRAM_UNKNOWN: Readonly<Record<string, number>> = { AlbertTokenizer: 1, XLMRobertaTokenizer: 3 };

/** All that decides about ids but the vocabulary, with defaults of older files filled in. */
function shapeOf({ normalizer, pre_tokenizer: splitter, post_processor, model }: TokenizerJson) {
  const { vocab: _vocab, merges: _merges, unk_token: unknown, ...rest } = model;
  const splitting: Record<string, unknown> = { use_regex: true, ...modernSplitter(splitter) };
  const { trim_offsets: _trim, ...split } = splitting;
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

/** Older files give Metaspace a flag and its character twice; the core reads both forms alike. */
function modernSplitter(splitter: TokenizerJson["pre_tokenizer"]): Record<string, unknown> {
  if (Array.isArray(splitter?.pretokenizers))
    return { ...splitter, pretokenizers: splitter.pretokenizers.map(modernSplitter) };
  if (splitter?.type !== "Metaspace") return { ...splitter };
  const { add_prefix_space: prefix, str_rep: _character, ...rest } = splitter;
  return { prepend_scheme: prefix === false ? "never" : "always", split: true, ...rest };
}

function withoutOffsets(processor: TokenizerJson["post_processor"]): Record<string, unknown> {
  const { trim_offsets: _trim, add_prefix_space: _prefix, ...rest } = processor ?? {};
  return rest;
}

function inputNames(pairTypes: boolean): string[] {
  return ["input_ids", ...(pairTypes ? ["token_type_ids"] : []), "attention_mask"];
}

/** The general class knows no names of its own, of which padding needs one. */
function generalPadding(
  tokenizer: TokenizerJson,
  config: ModelConfig,
  base: Record<string, unknown>,
): Record<string, unknown> {
  if (base.pad_token !== undefined) return {};
  const padding = tokenizer.added_tokens.find(({ id }) => id === config.native.padTokenId)?.content;
  return padding === undefined ? {} : { pad_token: padding };
}
