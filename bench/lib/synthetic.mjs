// Texts of exactly so many tokens, out of a real vocabulary's words; the same on every machine.

import { readFileSync } from "node:fs";
import { SetupError } from "../../scripts/lib/errors.mjs";
import { uniformNumbers } from "./uniform.mjs";

/** [CLS] and [SEP]. */
const SPECIALS = 2;

/**
 * Lines in GoEmotions' layout: texts of `tokens` tokens each, special ones included, with one to three labels.
 * The vocabulary's words are drawn with about the frequencies of Zipf's law, for its early ones are frequent.
 */
export function syntheticLines({ vocabulary, rows, tokens, labels, seed = 42 }) {
  const words = readFileSync(vocabulary, "utf8")
    .split("\n")
    .filter((word) => /^[a-z]{2,}$/.test(word));
  if (words.length < 1000)
    throw new SetupError(`${vocabulary}: it has ${words.length} words of Latin letters only`);
  const uniform = uniformNumbers(seed);
  const word = () => words[Math.floor(words.length ** uniform()) - 1];
  const label = () => Math.floor(labels * uniform());
  return Array.from({ length: rows }, (_, row) => {
    const text = Array.from({ length: tokens - SPECIALS }, word).join(" ");
    const ids = new Set(Array.from({ length: 1 + (row % 3) }, label));
    return `${text}\t${[...ids].join(",")}\t${row}`;
  });
}
