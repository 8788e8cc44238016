import type { AddedToken, TokenizerSettings } from "../settings.ts";
import type { TokenizerJson } from "./json.ts";

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
  const added = new Map<string, AddedToken & { id: number }>();
  let next = Object.keys(vocab).length;
  const add = (token: AddedToken, limit: number) => {
    if (token.content === "" || added.has(token.content)) return;
    const isKnown = Object.hasOwn(vocab, token.content);
    if (!isKnown && next >= limit) return;
    added.set(token.content, { id: isKnown ? vocab[token.content]! : next++, ...token });
  };
  for (const { token } of settings.numbered) add(token, Number.POSITIVE_INFINITY);
  for (const token of settings.named.values()) add(token, rows);
  for (const token of settings.extra) add(token, Number.POSITIVE_INFINITY);
  return [...added.values()].sort((a, b) => a.id - b.id);
}

/** The added tokens of a `tokenizer.json` with the ids that the Rust core gives them, which are not always those in it. */
export function renumbered({
  model: { vocab },
  added_tokens: tokens,
}: TokenizerJson): TokenizerJson["added_tokens"] {
  const ids = new Map(Array.isArray(vocab) ? vocab.map(([piece], id) => [piece, id]) : Object.entries(vocab));
  let next = Array.isArray(vocab) ? vocab.length : ids.size;
  return tokens.flatMap((token) => {
    if (token.content === "") return [];
    const id = ids.get(token.content) ?? next++;
    ids.set(token.content, id);
    return [{ ...token, id }];
  });
}
