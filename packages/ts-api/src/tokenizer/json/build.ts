import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import type { TokenizerSettings } from "../settings.ts";
import { addedTokens } from "./added-tokens.ts";
import { bertJson, robertaJson, type TokenizerJson } from "./json.ts";

/**
 * Builds transformers' `BertTokenizer` on a vocabulary.
 *
 * @param path Where the vocabulary comes from, for messages.
 * @throws ERR_FINETAG_MODEL where it lacks a token that every text needs.
 */
export function buildBert(
  path: string,
  vocab: Record<string, number>,
  settings: TokenizerSettings,
  rows: number,
): TokenizerJson {
  const { json } = settings;
  return bertJson(vocab, addedTokens(vocab, settings, rows), {
    lowercase: booleanOf(json.do_lower_case) ?? true,
    stripAccents: booleanOf(json.strip_accents) ?? null,
    handleChineseChars: booleanOf(json.tokenize_chinese_chars) ?? true,
    unknown: required(path, vocab, settings, "unk_token"),
    cls: required(path, vocab, settings, "cls_token"),
    sep: required(path, vocab, settings, "sep_token"),
  });
}

/**
 * Whether the model of a vocabulary was trained on texts in lower case, where no file says so, as in Google's archives:
 * a cased vocabulary has upper case in a good part of its pieces, an uncased one in none, a Chinese one, which is
 * uncased as well, in next to none.
 */
export function isUncased(vocab: Record<string, number>): boolean {
  const pieces = Object.keys(vocab).filter((piece) => !/^[[<].*[\]>]$/.test(piece));
  return pieces.filter((piece) => piece !== piece.toLowerCase()).length * 100 <= pieces.length;
}

/** Builds transformers' `RobertaTokenizer` on a vocabulary and its merges; throws as {@link buildBert}. */
export function buildRoberta(
  path: string,
  vocab: Record<string, number>,
  merges: [string, string][],
  settings: TokenizerSettings,
  rows: number,
): TokenizerJson {
  const { json } = settings;
  return robertaJson(vocab, merges, addedTokens(vocab, settings, rows), {
    addPrefixSpace: booleanOf(json.add_prefix_space) ?? false,
    trimOffsets: booleanOf(json.trim_offsets) ?? true,
    cls: required(path, vocab, settings, "cls_token"),
    sep: required(path, vocab, settings, "sep_token"),
  });
}

/** The token of a role; throws as {@link buildBert} if no token has it, or the token is not in the vocabulary. */
export function required(
  path: string,
  vocab: Record<string, number>,
  { named, directory }: TokenizerSettings,
  role: string,
): string {
  const token = named.get(role)?.content;
  if (token !== undefined && Object.hasOwn(vocab, token)) return token;
  const what = token === undefined ? `it has no ${role}` : `${role} ${JSON.stringify(token)} is not in it`;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: ${what}; use the vocabulary of the weights, or set the token in ${join(directory, "tokenizer_config.json")}`,
  );
}

export function booleanOf(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
