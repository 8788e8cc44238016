import { type Encoding, Tokenizer } from "tokenizers";
import { FinetagError } from "../errors/index.ts";
import { type TokenizerJson, tokenIds } from "./json.ts";
import { PackedTexts } from "./packed.ts";
import type { TruncationSide } from "./truncate.ts";
import type { EncodedTexts, TextEncoder } from "./types.ts";

/** Texts that cross into the Rust core at once: enough for its threads, little for the event loop. */
const CHUNK_TEXTS = 512;

export interface EncoderOptions {
  json: TokenizerJson;
  files: Map<string, Uint8Array>;
  truncationSide: TruncationSide;
  /** Whether the second text of a pair is of type 1 (BERT), or of type 0 as the first (RoBERTa). */
  pairTypes: boolean;
  /** Rows of the model's table of token types. */
  typeVocabSize: number;
  /** The model directory, for messages. */
  directory: string;
}

/**
 * A tokenizer in the Rust core. `encodeBatch` runs as one task of libuv's pool, and within it on the threads of the
 * core (rayon): one for each CPU, unless RAYON_NUM_THREADS says otherwise when the first text is encoded, or only one
 * with TOKENIZERS_PARALLELISM=false.
 *
 * The core keeps the truncation as a setting of the whole tokenizer and reads it when a task runs. So one chunk is
 * encoded at a time, and sets it first.
 */
export class RustEncoder implements TextEncoder {
  readonly vocabSize: number;
  readonly maxTokenId: number;
  readonly files: Map<string, Uint8Array>;
  readonly #tokenizer: Tokenizer;
  readonly #options: Omit<EncoderOptions, "json" | "files">;
  /** Tokens that the post-processor adds. */
  readonly #specials: Promise<{ single: number; pair: number }>;
  #last: Promise<unknown> = Promise.resolve();

  /** @throws ERR_FINETAG_MODEL where the Rust core refuses the tokenizer. */
  constructor({ json, files, ...options }: EncoderOptions) {
    this.#options = options;
    this.files = files;
    try {
      this.#tokenizer = Tokenizer.fromString(JSON.stringify(json));
    } catch (error) {
      throw this.#refused(error);
    }
    const ids = tokenIds(json);
    this.vocabSize = ids.size;
    let maxTokenId = -1;
    for (const id of ids.values()) maxTokenId = Math.max(maxTokenId, id);
    this.maxTokenId = maxTokenId;
    this.#specials = this.#exclusive(async () => {
      const [single, pair] = await Promise.all([this.#tokenizer.encode(""), this.#tokenizer.encode("", "")]);
      return { single: single.getLength(), pair: pair.getLength() };
    });
    this.#specials.catch(() => {}); // rethrown by encode
  }

  async encode(
    texts: string[],
    pairs: (string | undefined)[] | undefined,
    maxLength: number,
  ): Promise<EncodedTexts> {
    const hasPairs = pairs?.some((pair) => pair !== undefined) ?? false;
    if (hasPairs) this.#checkTypes();
    await this.#checkLength(maxLength, hasPairs);
    const packed = new PackedTexts(maxLength, this.#options.pairTypes);
    for (let start = 0; start < texts.length; start += CHUNK_TEXTS) {
      const chunk = texts.slice(start, start + CHUNK_TEXTS);
      const seconds = pairs?.slice(start, start + CHUNK_TEXTS) ?? [];
      if (seconds.every((pair) => pair === undefined)) {
        packed.addCut(await this.#exclusive(() => this.#encodeTexts(chunk, maxLength)));
      } else {
        packed.addWhole(
          await this.#exclusive(() => this.#encodePairs(chunk, seconds)),
          this.#options.truncationSide,
        );
      }
    }
    return packed.finish();
  }

  #encodeTexts(texts: string[], maxLength: number): Promise<Encoding[]> {
    this.#tokenizer.setTruncation(maxLength, { direction: this.#options.truncationSide });
    return this.#tokenizer.encodeBatch(texts);
  }

  /** The package's encodeBatch takes no pairs; single calls run on libuv's threads. See `keptTokens` on truncation. */
  #encodePairs(texts: string[], pairs: (string | undefined)[]): Promise<Encoding[]> {
    this.#tokenizer.disableTruncation();
    return Promise.all(texts.map((text, i) => this.#tokenizer.encode(text, pairs[i] ?? null)));
  }

  #checkTypes(): void {
    const { pairTypes, typeVocabSize, directory } = this.#options;
    if (!pairTypes || typeVocabSize > 1) return;
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${directory}: text pairs need two token types, its config.json has type_vocab_size ${typeVocabSize}; use another model, or single texts`,
    );
  }

  /** The Rust core does not check this, and its subtraction wraps around. */
  async #checkLength(maxLength: number, hasPairs: boolean): Promise<void> {
    const { single, pair } = await this.#specials;
    const least = (hasPairs ? Math.max(single, pair) : single) + 1;
    if (Number.isInteger(maxLength) && maxLength >= least && maxLength < 2 ** 31) return;
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `the maximum length ${maxLength} leaves no room for a text beside ${least - 1} special tokens; use at least ${least}`,
    );
  }

  #exclusive<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task).catch((error) => Promise.reject(this.#refused(error)));
    this.#last = run.catch(() => {});
    return run;
  }

  #refused(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof FinetagError) return error;
    const reason = error.message.replaceAll(/\s+/g, " ").trim();
    return new FinetagError(
      "ERR_FINETAG_MODEL",
      `${this.#options.directory}: the tokenizer does not work (${reason}); use the tokenizer files of the weights`,
      { cause: error },
    );
  }
}
