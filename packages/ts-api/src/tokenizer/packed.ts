import type { Encoding } from "tokenizers";
import { keptTokens, type TruncationSide } from "./truncate.ts";
import type { EncodedTexts } from "./types.ts";

/** Gathers encodings of the Rust core into typed arrays; each is let go of as soon as its ids are out. */
export class PackedTexts {
  readonly #maxLength: number;
  readonly #pairTypes: boolean;
  #ids = new Int32Array(1024);
  #types = new Int32Array(1024);
  #tokens = 0;
  #truncated = 0;
  readonly #starts: number[] = [0];

  /** @param pairTypes False: all types are 0. */
  constructor(maxLength: number, pairTypes: boolean) {
    this.#maxLength = maxLength;
    this.#pairTypes = pairTypes;
  }

  /** Takes texts that the core has cut. */
  addCut(encodings: Encoding[]): void {
    for (const encoding of encodings) {
      const ids = encoding.getIds();
      this.#append(ids, this.#pairTypes ? encoding.getTypeIds() : undefined);
      if (ids.length === this.#maxLength && encoding.getOverflowing().length > 0) this.#truncated++;
    }
  }

  /** Takes whole texts, and cuts them. */
  addWhole(encodings: Encoding[], side: TruncationSide): void {
    for (const encoding of encodings) {
      const ids = encoding.getIds();
      const types = this.#pairTypes ? encoding.getTypeIds() : undefined;
      if (ids.length <= this.#maxLength) {
        this.#append(ids, types);
        continue;
      }
      const kept = keptTokens(encoding.getSequenceIds(), this.#maxLength, side);
      this.#append(
        kept.map((i) => ids[i]!),
        types && kept.map((i) => types[i]!),
      );
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

  finish(): EncodedTexts {
    return {
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
