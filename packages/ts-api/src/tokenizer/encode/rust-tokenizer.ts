import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { Tokenizer as CoreTokenizer, Encoding } from "tokenizers";
import { FinetagError, oneLine } from "../../errors/index.ts";
import { chineseWords, type WordSegmenter } from "../chinese.ts";
import type { CoverageCounter } from "../coverage.ts";
import type { EncodedTexts, EncodedWords, Tokenizer } from "../types.ts";
import { isLong, TextCutter } from "./cut.ts";
import { PackedTexts, type WordsOf } from "./packed.ts";
import { tokenizerThreads, withPool } from "./pool.ts";
import type { TruncationSide } from "./truncate.ts";
import { type WordMarks, wordsOfTokens } from "./words.ts";

/** Texts that cross into the Rust core at once: enough for its threads; more hold the event loop up, and win no time. */
const CHUNK_TEXTS = 64;

/** The core may quote a value of the file as a whole. */
const REASON_LIMIT = 300;

export interface RustTokenizerOptions {
  /** `tokenizer.json` as the Rust core reads it. */
  json: string;
  /** All ids by token. */
  ids: ReadonlyMap<string, number>;
  files: Map<string, Uint8Array>;
  words: WordMarks;
  truncationSide: TruncationSide;
  /** Whether the second text of a pair is of type 1 (BERT), or of type 0 as the first (RoBERTa). */
  pairTypes: boolean;
  /** Rows of the model's table of token types. */
  typeVocabSize: number;
  /** The model directory, for messages. */
  directory: string;
  warnings: readonly string[];
  coverage: CoverageCounter;
}

/** Version of the Rust core's package. */
export const TOKENIZERS_VERSION: string = (
  createRequire(import.meta.url)("tokenizers/package.json") as { version: string }
).version;

interface Core {
  tokenizer: CoreTokenizer;
  /** Tokens that the post-processor adds to a text, and to a pair. */
  specials: { single: number; pair: number };
}

/**
 * A tokenizer in the Rust core. `encodeBatch` runs as one task of libuv's pool, and within it on the threads of the
 * core (rayon): as many as pool.ts says, or only one with TOKENIZERS_PARALLELISM=false.
 *
 * The core keeps the truncation as a setting of the whole tokenizer and reads it when a task runs. So one chunk is
 * encoded at a time, and sets it first.
 */
export class RustTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly maxTokenId: number;
  readonly files: Map<string, Uint8Array>;
  readonly warnings: readonly string[];
  readonly coverage: CoverageCounter;
  readonly #options: RustTokenizerOptions;
  #cutter: TextCutter | undefined;
  #core: Promise<Core> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RustTokenizerOptions) {
    this.#options = options;
    this.files = options.files;
    this.warnings = options.warnings;
    this.coverage = options.coverage;
    this.vocabSize = options.ids.size;
    let maxTokenId = -1;
    for (const id of options.ids.values()) maxTokenId = Math.max(maxTokenId, id);
    this.maxTokenId = maxTokenId;
  }

  get identity(): string {
    const { json, truncationSide, pairTypes } = this.#options;
    return createHash("sha256").update(`${truncationSide} ${pairTypes}\n${json}`).digest("hex");
  }

  async open(): Promise<void> {
    await this.#opened();
  }

  async encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
  ): Promise<EncodedTexts> {
    const { words: _none, ...encoded } = await this.#encode(texts, pairs, maxLength);
    return encoded;
  }

  encodeWords(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
    segment: WordSegmenter = chineseWords,
  ): Promise<EncodedWords> {
    return this.#encode(texts, pairs, maxLength, segment);
  }

  async #encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
    segment?: WordSegmenter,
  ): Promise<EncodedWords> {
    const { pairTypes, truncationSide, words: marks } = this.#options;
    const hasPairs = pairs?.some((pair) => pair !== undefined) ?? false;
    if (hasPairs) this.#checkTypes();
    const core = await this.#opened();
    const { tokenizer, specials } = core;
    this.#checkLength(maxLength, hasPairs ? Math.max(specials.single, specials.pair) : specials.single);
    const packed = new PackedTexts(maxLength, pairTypes);
    for (let start = 0; start < texts.length; start += CHUNK_TEXTS) {
      let chunk = texts.slice(start, start + CHUNK_TEXTS);
      let seconds = pairs?.slice(start, start + CHUNK_TEXTS) ?? [];
      // Words are found in the whole text.
      if (segment === undefined && this.#wantsCut([...chunk, ...seconds], maxLength)) {
        [chunk, seconds] = await this.#exclusive(() => this.#cut(core, chunk, seconds, maxLength));
      }
      const wordsOf: WordsOf | undefined =
        segment && ((encoding, i) => wordsOfTokens(encoding, [chunk[i]!, seconds[i] ?? ""], marks, segment));
      if (seconds.every((pair) => pair === undefined)) {
        packed.addCut(await this.#exclusive(() => this.#encodeTexts(tokenizer, chunk, maxLength)), wordsOf);
      } else {
        packed.addWhole(
          await this.#exclusive(() => encodePairs(tokenizer, chunk, seconds)),
          truncationSide,
          wordsOf,
        );
      }
    }
    const finished = packed.finish();
    this.coverage.add(finished.ids);
    return finished;
  }

  #wantsCut(texts: readonly (string | undefined)[], maxLength: number): boolean {
    if (!texts.some((text) => text !== undefined && isLong(text, maxLength))) return false;
    const { json, truncationSide } = this.#options;
    this.#cutter ??= new TextCutter(JSON.parse(json), truncationSide);
    return this.#cutter.cuts;
  }

  /** The same tokens come of these texts, up to `maxLength`. */
  async #cut(
    { tokenizer, specials }: Core,
    texts: readonly string[],
    pairs: readonly (string | undefined)[],
    maxLength: number,
  ): Promise<[string[], (string | undefined)[]]> {
    const cutter = this.#cutter!;
    tokenizer.disableTruncation();
    const both: [string, string | undefined][] = [];
    for (const [i, text] of texts.entries()) {
      const pair = pairs[i];
      both.push(
        pair === undefined
          ? [(await cutter.cut(tokenizer, text, maxLength)).text, pair]
          : await cutter.cutPair(tokenizer, [text, pair], maxLength - specials.pair),
      );
    }
    return [both.map(([text]) => text), pairs.length === 0 ? [] : both.map(([, pair]) => pair)];
  }

  #opened(): Promise<Core> {
    this.#core ??= this.#create().catch((error) => Promise.reject(this.#refused(error)));
    return this.#core;
  }

  async #create(): Promise<Core> {
    const { Tokenizer } = await import("tokenizers");
    const tokenizer = Tokenizer.fromString(this.#options.json);
    const [single, pair] = await Promise.all([tokenizer.encode(""), tokenizer.encode("", "")]);
    return { tokenizer, specials: { single: single.getLength(), pair: pair.getLength() } };
  }

  #encodeTexts(tokenizer: CoreTokenizer, texts: string[], maxLength: number): Promise<Encoding[]> {
    tokenizer.setTruncation(maxLength, { direction: this.#options.truncationSide });
    const [only] = texts;
    // A batch goes to a pool of threads, which a text alone need not wake.
    return texts.length === 1
      ? Promise.all([tokenizer.encode(only!)])
      : withPool(() => tokenizer.encodeBatch(texts));
  }

  #checkTypes(): void {
    const { pairTypes, typeVocabSize, directory } = this.#options;
    if (!pairTypes || typeVocabSize > 1) return;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${directory}: text pairs need two token types, but its config.json has type_vocab_size ${typeVocabSize}; use another model, or single texts`,
    );
  }

  /** The Rust core does not check this, and its subtraction wraps around. */
  #checkLength(maxLength: number, specials: number): void {
    const least = specials + 1;
    if (Number.isInteger(maxLength) && maxLength >= least && maxLength < 2 ** 31) return;
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `\`maxLength: ${maxLength}\` leaves no room for a text next to ${specials} special tokens; use at least ${least}`,
      { option: "maxLength" },
    );
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task).catch((error) => Promise.reject(this.#refused(error)));
    this.#last = run.catch(() => {});
    return run;
  }

  #refused(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof FinetagError) return error;
    const reason = oneLine(error.message).slice(0, REASON_LIMIT);
    return new FinetagError(
      "ERR_FINETAG_MODEL",
      `${this.#options.directory}: the tokenizer does not work (${reason}); use the tokenizer files of the weights`,
      { cause: error },
    );
  }
}

/** The package's encodeBatch takes no pairs; single calls run on libuv's threads. See `keptTokens` on truncation. */
async function encodePairs(
  tokenizer: CoreTokenizer,
  texts: string[],
  pairs: (string | undefined)[],
): Promise<Encoding[]> {
  tokenizer.disableTruncation();
  const atOnce = tokenizerThreads();
  const encodings: Encoding[] = [];
  for (let start = 0; start < texts.length; start += atOnce) {
    const some = texts.slice(start, start + atOnce);
    encodings.push(
      ...(await Promise.all(some.map((text, i) => tokenizer.encode(text, pairs[start + i] ?? null)))),
    );
  }
  return encodings;
}
