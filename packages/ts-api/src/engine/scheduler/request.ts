import { abortError } from "../../errors/index.ts";
import type { EncodedTexts } from "../../tokenizer/index.ts";
import { onAbort } from "../abort.ts";
import { charactersOf, type ForwardText, windowShare } from "./window.ts";

/** What texts are computed with; each call has its own. */
export interface CallSettings {
  /** Maximum length of a text in tokens, including special tokens. */
  maxLength: number;
  /** Most texts in a batch; absent: as many as the tokens of a batch allow. */
  batchSize?: number;
  /** Drops what is in no batch yet. */
  signal?: AbortSignal;
}

/** A tokenized text that waits for its batch. */
export interface Row {
  request: Request;
  /** The text's place in its request. */
  index: number;
  encoded: EncodedTexts;
  /** Where its tokens start in `encoded`. */
  start: number;
  /** Its tokens. */
  length: number;
}

/** Takes the logits `[L]` of the text at `index`, as soon as its batch is computed. They are a view of the batch's. */
export type Receive = (logits: Float32Array, index: number) => void;

/** Texts that were submitted together, up to a window of them, and what has come of them. */
export class Request {
  /** Resolves when the logits of all texts were received. */
  readonly promise: Promise<void>;
  /** The call it belongs to: requests of one call are computed one after the other. */
  readonly call: object;
  readonly maxLength: number;
  readonly batchSize: number;
  /** Texts, where a long one counts as several; see {@link windowShare}. */
  readonly weight: number;
  readonly #count: number;
  readonly #stopListening: (() => void) | undefined;
  readonly #receive: Receive;
  readonly #onSettled: (request: Request) => void;
  #texts: readonly ForwardText[];
  #sent = 0;
  #received = 0;
  #settled = false;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(
    call: object,
    texts: readonly ForwardText[],
    { maxLength, batchSize = Number.POSITIVE_INFINITY, signal }: CallSettings,
    receive: Receive,
    onSettled: (request: Request) => void,
  ) {
    this.call = call;
    this.#texts = texts;
    this.#count = texts.length;
    this.maxLength = maxLength;
    this.batchSize = batchSize;
    this.#receive = receive;
    this.#onSettled = onSettled;
    this.weight = texts.reduce((sum, text) => sum + windowShare(charactersOf(text)), 0);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => {}); // rethrown where it is awaited; after an early return it is never awaited
    this.#stopListening = signal && onAbort(signal, () => this.fail(abortError(signal)));
  }

  /** What is to be tokenized; nothing once it is settled. */
  get texts(): readonly ForwardText[] {
    return this.#texts;
  }

  /** Its result is known, or no longer wanted. */
  get isSettled(): boolean {
    return this.#settled;
  }

  /** Every text is in a batch that the engine has. */
  get isSent(): boolean {
    return this.#sent === this.#count;
  }

  /** Told when one of its texts went to the engine. */
  markSent(): void {
    this.#sent++;
  }

  /** Passes on the logits of a text; with those of the last one, the request is complete. */
  put(logits: Float32Array, index: number): void {
    if (this.#settled) return;
    try {
      this.#receive(logits, index);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (++this.#received === this.#count) this.#settle(() => this.#resolve());
  }

  /** Ends it with an error; whatever of it waits is dropped. */
  fail(error: unknown): void {
    if (!this.#settled) this.#settle(() => this.#reject(error));
  }

  #settle(finish: () => void): void {
    this.#settled = true;
    this.#texts = [];
    this.#stopListening?.();
    this.#onSettled(this);
    finish();
  }
}
