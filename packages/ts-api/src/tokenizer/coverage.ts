import type { TokenizerJson } from "./json/index.ts";
import type { Coverage, TokenCoverage } from "./types.ts";

const KIND = { unseen: 0, whole: 1, special: 2, unknown: 3, fragment: 4 } as const;

/** Characters that are a word or a syllable each, so that one alone is no sign of an unknown language. */
const IDEOGRAM = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;
const LETTER = /^[\p{L}\p{M}]$/u;
/** Letters that continue a word ("##s") are common in English as well. */
const LATIN_WORD = /^[a-z]$/i;
/** `##` and a letter of two UTF-16 units, `<0x00>`. */
const LONGEST_FRAGMENT = 6;
const BYTE = /^<0x[0-9A-F]{2}>$/;

export class CoverageCounter implements TokenCoverage {
  readonly unknownToken: string;
  readonly seen: Coverage = { tokens: 0, unknown: 0, fragments: 0 };
  readonly #special: ReadonlySet<string>;
  readonly #isByteLevel: boolean;
  readonly #ids: ReadonlyMap<string, number>;
  /** By id; most tokens of a vocabulary never occur, so each is looked at when it does. */
  #contents: (string | undefined)[] | undefined;
  #kinds = new Uint8Array();

  constructor(json: TokenizerJson, ids: ReadonlyMap<string, number>) {
    const { vocab, unk_token: unknown, unk_id: unkId } = json.model;
    const token = Array.isArray(vocab) ? vocab[Number(unkId)]?.[0] : unknown;
    this.unknownToken = typeof token === "string" ? token : "";
    this.#special = new Set(json.added_tokens.filter((each) => each.special).map(({ content }) => content));
    this.#isByteLevel = JSON.stringify(json.pre_tokenizer ?? {}).includes('"ByteLevel"');
    this.#ids = ids;
  }

  count(ids: ArrayLike<number>): Coverage {
    const contents = this.#open();
    const kinds = this.#kinds;
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (kinds[id] === KIND.unseen) kinds[id] = this.#kindOf(contents[id] ?? "");
      counts[kinds[id] ?? KIND.whole]!++;
    }
    return {
      tokens: ids.length - counts[KIND.special]!,
      unknown: counts[KIND.unknown]!,
      fragments: counts[KIND.fragment]!,
    };
  }

  #open(): (string | undefined)[] {
    if (this.#contents !== undefined) return this.#contents;
    const contents: (string | undefined)[] = [];
    for (const [content, id] of this.#ids) contents[id] = content;
    this.#kinds = new Uint8Array(contents.length);
    this.#contents = contents;
    return contents;
  }

  #kindOf(content: string): number {
    if (content !== "" && content === this.unknownToken) return KIND.unknown;
    if (this.#special.has(content)) return KIND.special;
    return isFragment(content, this.#isByteLevel) ? KIND.fragment : KIND.whole;
  }

  /** Counts texts that were encoded. */
  add(ids: ArrayLike<number>): void {
    addCoverage(this.seen, this.count(ids));
  }
}

export function addCoverage(sum: Coverage, part: Coverage): void {
  sum.tokens += part.tokens;
  sum.unknown += part.unknown;
  sum.fragments += part.fragments;
}

function isFragment(content: string, isByteLevel: boolean): boolean {
  if (isByteLevel ? /^\u0120?[!-~]*$/.test(content) : content.length > LONGEST_FRAGMENT) return false;
  if (BYTE.test(content)) return true;
  const text = isByteLevel ? textOfBytes(content) : content.replace(/^(##|\u2581)/, "");
  if (text === undefined) return true;
  return LETTER.test(text) && !LATIN_WORD.test(text) && !IDEOGRAM.test(text);
}

/** GPT-2's `bytes_to_unicode`, reversed: printable characters stand for themselves, the other bytes for 256 and on. */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const table = new Map<string, number>();
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    table.set(String.fromCodePoint(isPrintable ? byte : next++), byte);
  }
  return table;
})();

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Undefined for a part of a character. */
function textOfBytes(content: string): string | undefined {
  const bytes = Array.from(content, (letter) => BYTE_OF.get(letter));
  if (bytes.includes(undefined)) return content;
  try {
    return decoder.decode(Uint8Array.from(bytes as number[])).trim();
  } catch {
    return undefined;
  }
}
