import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { FinetagError } from "../errors/index.ts";
import { readJsonFile } from "../io/index.ts";
import { coreFault } from "./check.ts";
import { booleanOf, renumbered, type TokenizerJson } from "./json/index.ts";
import { albertNormalizer } from "./sentencepiece/index.ts";
import type { TokenizerSettings } from "./settings.ts";
import { isVocabulary } from "./vocabulary.ts";

/**
 * Reads `tokenizer.json` and makes it say what transformers would do with it: truncation and padding are set at each
 * call, and where the class is one of {@link CLASSES}, the keys of `tokenizer_config.json` win (`do_lower_case` and so
 * on). Where that file does not name them, this one's own values hold.
 *
 * @throws ERR_FINETAG_MODEL for a file that is not a tokenizer.
 */
export async function readTokenizerJson(
  dir: string,
  settings: TokenizerSettings,
): Promise<{ json: TokenizerJson; truncationSide?: string }> {
  const path = join(dir, "tokenizer.json");
  const json = await readJsonFile(path, "ERR_FINETAG_MODEL");
  if (!isTokenizer(json)) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${path}: not a tokenizer (no "model" with a "vocab"); use the tokenizer files of the weights`,
    );
  }
  const tokenizer: TokenizerJson = { ...json, truncation: null, padding: null };
  if (tokenizer.model.dropout != null) tokenizer.model = { ...tokenizer.model, dropout: null };
  tokenizer.added_tokens = renumbered(tokenizer);
  const fault = coreFault(tokenizer);
  if (fault !== undefined) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${path}: damaged (${fault}); use the tokenizer files of the weights`,
    );
  }
  const override = OVERRIDES[settings.className];
  return { json: override?.(tokenizer, settings) ?? tokenizer, truncationSide: json.truncation?.direction };
}

const OVERRIDES: Readonly<
  Record<string, (json: TokenizerJson, settings: TokenizerSettings) => TokenizerJson>
> = { BertTokenizer: withBertFlags, RobertaTokenizer: withPrefixSpace, AlbertTokenizer: withAlbertFlags };

/** In base64, of a normalizer and of those within it. */
export function charsmapsOf(normalizer: TokenizerJson["normalizer"]): string[] {
  const { precompiled_charsmap: charsmap, normalizers } = normalizer ?? {};
  const own = typeof charsmap === "string" ? [charsmap] : [];
  return Array.isArray(normalizers) ? [...own, ...normalizers.flatMap(charsmapsOf)] : own;
}

function isTokenizer(json: unknown): json is TokenizerJson {
  if (typeof json !== "object" || json === null) return false;
  const { model, added_tokens: added } = json as Partial<TokenizerJson>;
  if (typeof model !== "object" || model === null || !Array.isArray(added)) return false;
  const isEntry = (token: TokenizerJson["added_tokens"][number]) =>
    typeof token?.content === "string" && Number.isInteger(token.id) && token.id >= 0;
  return added.every(isEntry) && (isPieces(model.vocab) || isVocabulary(model.vocab));
}

/** True for pieces with their scores, as the unigram model has them. */
function isPieces(vocab: unknown): boolean {
  const isPiece = (entry: unknown) =>
    Array.isArray(entry) &&
    entry.length === 2 &&
    typeof entry[0] === "string" &&
    typeof entry[1] === "number";
  return Array.isArray(vocab) && vocab.length > 0 && vocab.every(isPiece);
}

function withBertFlags(tokenizer: TokenizerJson, { json }: TokenizerSettings): TokenizerJson {
  const { normalizer } = tokenizer;
  if (normalizer?.type !== "BertNormalizer") return tokenizer;
  return {
    ...tokenizer,
    normalizer: {
      ...normalizer,
      lowercase: booleanOf(json.do_lower_case) ?? normalizer.lowercase,
      strip_accents: booleanOf(json.strip_accents) ?? normalizer.strip_accents,
      handle_chinese_chars: booleanOf(json.tokenize_chinese_chars) ?? normalizer.handle_chinese_chars,
    },
  };
}

function withPrefixSpace(tokenizer: TokenizerJson, { json }: TokenizerSettings): TokenizerJson {
  const { pre_tokenizer: splitter } = tokenizer;
  const add = booleanOf(json.add_prefix_space);
  if (splitter?.type !== "ByteLevel" || add === undefined) return tokenizer;
  return { ...tokenizer, pre_tokenizer: { ...splitter, add_prefix_space: add } };
}

/** ALBERT's normalizer is a sequence; the two keys that are named put steps into it or leave them out. */
function withAlbertFlags(tokenizer: TokenizerJson, { json }: TokenizerSettings): TokenizerJson {
  const steps = tokenizer.normalizer?.normalizers;
  if (!Array.isArray(steps)) return tokenizer;
  const has = (type: string) => steps.some((step) => step?.type === type);
  const held = { lowercase: has("Lowercase"), keepAccents: !has("StripAccents") };
  const options = {
    lowercase: booleanOf(json.do_lower_case) ?? held.lowercase,
    keepAccents: booleanOf(json.keep_accents) ?? held.keepAccents,
  };
  if (isDeepStrictEqual(options, held)) return tokenizer;
  const [charsmap = ""] = charsmapsOf(tokenizer.normalizer);
  return { ...tokenizer, normalizer: albertNormalizer(charsmap, options) };
}
