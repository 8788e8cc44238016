import type { TokenizerJson } from "./json.ts";
import type { AddedToken, TokenizerSettings } from "./settings.ts";

/**
 * The tokens that are added to a vocabulary, by id, as the Rust core numbers them: one that the vocabulary holds keeps
 * its id, another gets the next one.
 *
 * A special token of transformers' class that the vocabulary lacks, such as `[MASK]`, is added by transformers too; it
 * is left out here where the embedding table has no row for it, since a text with it in would then be an error.
 *
 * @param rows Of the embedding table.
 */
export function addedTokens(
  vocab: Record<string, number>,
  settings: TokenizerSettings,
  rows: number,
): TokenizerJson["added_tokens"] {
  const size = Object.keys(vocab).length;
  const added = new Map<string, AddedToken & { id: number }>();
  let next = size;
  const add = (token: AddedToken, limit: number) => {
    if (token.content === "" || added.has(token.content)) return;
    const id = Object.hasOwn(vocab, token.content) ? vocab[token.content]! : next;
    if (id === next && id >= limit) return;
    added.set(token.content, { id, ...token });
    next = Math.max(next, id + 1);
  };
  for (const { token } of settings.numbered) add(token, Number.POSITIVE_INFINITY);
  for (const token of settings.named.values()) add(token, rows);
  for (const token of settings.extra) add(token, Number.POSITIVE_INFINITY);
  return [...added.values()].sort((a, b) => a.id - b.id);
}
