import type { TokenStore } from "../../engine/index.ts";
import { BY_LANGUAGE } from "../../hub/index.ts";
import { addCoverage, type Coverage, type TokenCoverage } from "../../tokenizer/index.ts";

/**
 * Measured with the vocabularies of bert-base-uncased, roberta-base and bert-base-chinese: GoEmotions, in English, has 0 to
 * 0.8 % of unknown tokens; sentences in a language that is not the vocabulary's have 13 to 100 % where they have any.
 */
const UNKNOWN_LIMIT = 0.1;

/** Likewise, of single letters and bytes: GoEmotions has 0 to 2.5 %, a script that the vocabulary only spells out 50 to 99 %. */
const FRAGMENT_LIMIT = 0.4;

/** Of fewer tokens, a share says nothing. */
const LEAST_TOKENS = 20;

/** What the tokenizer knows of a store's texts. */
export function coverageOf(store: TokenStore, coverage: TokenCoverage): Coverage {
  const sum: Coverage = { tokens: 0, unknown: 0, fragments: 0 };
  for (const { ids } of store.blocks) addCoverage(sum, coverage.count(ids));
  return sum;
}

/**
 * What to say about texts that a tokenizer knows little of; undefined where it knows them well enough.
 *
 * @param name Of the texts or the model, for the message.
 */
export function coverageWarning(
  name: string,
  { tokens, unknown, fragments }: Coverage,
  { unknownToken }: Pick<TokenCoverage, "unknownToken">,
): string | undefined {
  if (tokens < LEAST_TOKENS) return undefined;
  const percent = (count: number) => `${Math.round((100 * count) / tokens)} %`;
  const models = BY_LANGUAGE.map(([language, model]) => `${model} for ${language}`);
  const remedy = `the model knows little of these texts; take one for their language (${models.join(", ")})`;
  if (unknown > UNKNOWN_LIMIT * tokens)
    return `${name}: ${percent(unknown)} of the tokens are unknown to the tokenizer (${unknownToken}): ${remedy}`;
  if (unknown + fragments > FRAGMENT_LIMIT * tokens)
    return `${name}: ${percent(unknown + fragments)} of the tokens are single letters or bytes: ${remedy}`;
  return undefined;
}
