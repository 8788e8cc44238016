import type { Encoding } from "tokenizers";
import type { EncodedWords } from "../types.ts";
import { keptTokens, type TruncationSide } from "./truncate.ts";
import { NO_WORD, renumbered } from "./words.ts";

/** The words of an encoding's tokens; see `wordsOfTokens`. */
export type WordsOf = (encoding: Encoding, index: number) => Int32Array;

/** Gathers encodings of the Rust core into typed arrays; each is let go of as soon as its ids are out. */
export class PackedTexts {
  readonly #maxLength: number;
  readonly #pairTypes: boolean;
  #ids = new Int32Array(1024);
  #types = new Int32Array(1024);
  readonly #words: Int32Array[] = [];
  #tokens = 0;
  #truncated = 0;
  readonly #starts: number[] = [0];

  /** @param pairTypes False: all types are 0. */
  constructor(maxLength: number, pairTypes: boolean) {
    this.#maxLength = maxLength;
    this.#pairTypes = pairTypes;
  }

  /** Takes texts that the core has cut. */
  addCut(encodings: Encoding[], wordsOf?: WordsOf): void {
    for (const [i, encoding] of encodings.entries()) {
      const ids = encoding.getIds();
      this.#append(ids, this.#pairTypes ? encoding.getTypeIds() : undefined);
      if (wordsOf) this.#words.push(renumbered(wordsOf(encoding, i)));
      if (ids.length === this.#maxLength && encoding.getOverflowing().length > 0) this.#truncated++;
    }
  }

  /** Takes whole texts, and cuts them. */
  addWhole(encodings: Encoding[], side: TruncationSide, wordsOf?: WordsOf): void {
    for (const [index, encoding] of encodings.entries()) {
      const ids = encoding.getIds();
      const types = this.#pairTypes ? encoding.getTypeIds() : undefined;
      const words = wordsOf?.(encoding, index);
      if (ids.length <= this.#maxLength) {
        this.#append(ids, types);
        if (words) this.#words.push(words);
        continue;
      }
      const kept = keptTokens(encoding.getSequenceIds(), this.#maxLength, side);
      this.#append(
        kept.map((i) => ids[i]!),
        types && kept.map((i) => types[i]!),
      );
      if (words) this.#words.push(renumbered(Int32Array.from(kept, (i) => words[i]!)));
      this.#truncated++;
    }
  }

  #append(ids: number[], types: number[] | undefined): void {
    this.#reserve(this.#tokens + ids.length);
    this.#ids.set(ids, this.#tokens);
    if (types !== undefined) this.#types.set(types, this.#tokens);
    this.#tokens += ids.length;
    this.#starts.push(this.#tokens);
  }

  finish(): EncodedWords {
    const words = new Int32Array(this.#words.length === 0 ? 0 : this.#tokens).fill(NO_WORD);
    for (const [i, ofText] of this.#words.entries()) words.set(ofText, this.#starts[i]);
    return {
      words,
      ids: this.#ids.slice(0, this.#tokens),
      tokenTypes: this.#types.slice(0, this.#tokens),
      cuSeqlens: Int32Array.from(this.#starts),
      truncated: this.#truncated,
    };
  }

  #reserve(tokens: number): void {
    if (tokens <= this.#ids.length) return;
    const size = Math.max(tokens, 2 * this.#ids.length);
    this.#ids = grown(this.#ids, size);
    this.#types = grown(this.#types, size);
  }
}

function grown(array: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}
