import type { NativeSession, PackedBatch } from "@finetag/core-native";
import { abortError } from "../../errors/index.ts";
import { batchTokens } from "../forward.ts";
import type { OpenModel } from "../model.ts";
import { disposedError } from "../session.ts";
import { encodeTexts } from "../store/index.ts";
import { Lane, tokensOf } from "./lane.ts";
import { type CallSettings, type Receive, Request, type Row } from "./request.ts";
import { type ForwardText, WINDOW_TEXTS } from "./window.ts";

/** A batch that is computed, and one that waits in the session, so that the engine never idles. */
const BATCHES_IN_ENGINE = 2;

/** Requests up to this size are tokenized with others: more texts at once win the tokenizer no time. */
const SMALL_TEXTS = 64;

/** The model's part that a scheduler needs. */
export interface SchedulerModel extends Pick<OpenModel, "native" | "device"> {
  source: Pick<OpenModel["source"], "tokenizer">;
  session: Pick<NativeSession, "forward">;
}

/** A caller's texts, given a window at a time. */
export interface ForwardCall {
  /**
   * Computes up to {@link WINDOW_TEXTS} texts; resolves when `receive` has had the logits of each.
   *
   * @throws FinetagError `ERR_FINETAG_ABORTED` as soon as the signal is given, `ERR_FINETAG_DISPOSED`, and what
   *   tokenizer and engine throw.
   */
  submit(texts: readonly ForwardText[], receive: Receive): Promise<void>;
  /** Drops what is in no batch yet; its promises reject. */
  close(): void;
}

/**
 * The one queue before an open model: texts of all callers are tokenized and computed together.
 *
 * - A text that finds the engine idle goes at once. While the engine works, texts gather, and go together.
 * - Small requests share batches with others of the same batch size. One that fills a batch by itself shares none.
 * - Windows are served in turn, a batch each, so that a long one holds up no other. Those of one call come one after the
 *   other, and are cut into batches as if it were alone.
 * - An error of one request's texts is its own. One of the engine ends the requests of that batch.
 */
export class Scheduler {
  readonly #model: SchedulerModel;
  readonly #maxTokens: number;
  /** All that have no result yet. */
  readonly #unsettled = new Set<Request>();
  /** Texts to be tokenized, first come first served. */
  #waiting: Request[] = [];
  #isTokenizing = false;
  /** In the order of their turns. A key is a batch size, which small requests share, or the call of a large one. */
  readonly #lanes = new Map<number | object, Lane>();
  #inEngine = 0;
  #isClosed = false;

  constructor(model: SchedulerModel) {
    this.#model = model;
    this.#maxTokens = batchTokens(model.device);
  }

  /** A caller, with the settings of its texts. */
  call(settings: CallSettings): ForwardCall {
    const { signal } = settings;
    const own = new Set<Request>();
    /** A window at a time, so that the first is soon ready. */
    let tokenized = Promise.resolve();
    const call: ForwardCall = {
      submit: (texts, receive) => {
        if (texts.length === 0) return Promise.resolve();
        const request = new Request(call, texts, settings, receive, () => {
          own.delete(request);
          this.#unsettled.delete(request);
        });
        own.add(request);
        this.#unsettled.add(request);
        if (signal?.aborted) request.fail(abortError(signal));
        else if (this.#isClosed) request.fail(disposedError());
        else if (request.weight <= SMALL_TEXTS) {
          this.#waiting.push(request);
          this.#tokenizeSoon();
        } else tokenized = tokenized.then(() => this.#tokenize([request]));
        return request.promise;
      },
      close: () => {
        for (const request of own) request.fail(abortError(signal));
      },
    };
    return call;
  }

  /** Refuses all texts that are not in a batch yet, and all new ones. May be called again. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#unsettled) if (!request.isSent) request.fail(disposedError());
    this.#waiting = [];
    this.#lanes.clear();
  }

  /** In the same turn of the event loop, but after all callers that are ready to submit. */
  #tokenizeSoon(): void {
    if (this.#isTokenizing || this.#waiting.length === 0) return;
    this.#isTokenizing = true;
    process.nextTick(() => void this.#tokenizeWaiting());
  }

  /** Tokenizes what waits, but no more ahead of the engine than a window in each lane. */
  async #tokenizeWaiting(): Promise<void> {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#lanes.get(next.batchSize)?.isFull) break;
      await this.#tokenize(this.#takeTogether(next.maxLength));
    }
    this.#isTokenizing = false;
  }

  /** The requests that may be tokenized together, up to a window. */
  #takeTogether(maxLength: number): Request[] {
    const taken: Request[] = [];
    const left: Request[] = [];
    let weight = 0;
    for (const request of this.#waiting) {
      if (request.isSettled) continue;
      const fits = request.maxLength === maxLength && weight + request.weight <= WINDOW_TEXTS;
      if (fits) weight += request.weight;
      (fits ? taken : left).push(request);
    }
    this.#waiting = left;
    return taken;
  }

  async #tokenize(requests: readonly Request[]): Promise<void> {
    await this.#encode(requests.filter(({ isSettled }) => !isSettled));
    this.#dispatch();
  }

  /** @param requests all of one maximum length */
  async #encode(requests: readonly Request[]): Promise<void> {
    const [first] = requests;
    if (first === undefined) return;
    const { source, native } = this.#model;
    const texts = requests.map((request) => request.texts);
    const options = {
      tokenizer: source.tokenizer,
      maxLength: first.maxLength,
      vocabSize: native.vocabSize,
    };
    try {
      const encoded = await encodeTexts(texts.flat(), options);
      let at = 0;
      for (const [i, request] of requests.entries()) {
        const rows = texts[i]!.map((_, index): Row => {
          const start = encoded.cuSeqlens[at]!;
          const length = encoded.cuSeqlens[++at]! - start;
          return { request, index, encoded, start, length };
        });
        if (!request.isSettled) this.#enter(request, rows);
      }
    } catch (error) {
      if (requests.length === 1) first.fail(error);
      // Whose text it was shows when each is tokenized alone.
      else
        for (const request of requests) await this.#encode([request].filter(({ isSettled }) => !isSettled));
    }
  }

  #enter(request: Request, rows: Row[]): void {
    const key = tokensOf(rows) < this.#maxTokens ? request.batchSize : request.call;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane(request.batchSize, this.#maxTokens);
      this.#lanes.set(key, lane);
    }
    lane.add(request, rows);
  }

  /** Sends batches as long as the engine takes some. */
  #dispatch(): void {
    while (this.#inEngine < BATCHES_IN_ENGINE) {
      const batch = this.#nextBatch();
      if (batch === undefined) break;
      void this.#run(batch);
    }
    this.#tokenizeSoon();
  }

  /** While the engine works, and nothing else wants to go, a batch that is not full waits for more texts. */
  #nextBatch(): Row[] | undefined {
    const lanes = [...this.#lanes];
    if (this.#inEngine > 0 && !lanes.some(([, lane]) => lane.isRipe)) return undefined;
    for (const [key, lane] of lanes) {
      const batch = lane.take();
      this.#lanes.delete(key);
      if (!lane.isEmpty) this.#lanes.set(key, lane); // behind the others
      if (batch.length > 0) return batch;
    }
    return undefined;
  }

  async #run(batch: readonly Row[]): Promise<void> {
    this.#inEngine++;
    for (const { request } of batch) request.markSent();
    let logits: Float32Array | undefined;
    try {
      ({ logits } = await this.#model.session.forward(pack(batch)));
    } catch (error) {
      for (const { request } of batch) request.fail(error);
    }
    this.#inEngine--;
    this.#dispatch(); // first: the engine may wait for it
    if (logits === undefined) return;
    const width = logits.length / batch.length;
    for (const [i, { request, index }] of batch.entries()) {
      request.put(logits.subarray(i * width, (i + 1) * width), index);
    }
  }
}

function pack(batch: readonly Row[]): PackedBatch {
  const cuSeqlens = new Int32Array(batch.length + 1);
  for (const [i, { length }] of batch.entries()) cuSeqlens[i + 1] = cuSeqlens[i]! + length;
  const ids = new Int32Array(cuSeqlens[batch.length]!);
  const tokenTypes = new Int32Array(ids.length);
  for (const [i, { encoded, start, length }] of batch.entries()) {
    ids.set(encoded.ids.subarray(start, start + length), cuSeqlens[i]);
    tokenTypes.set(encoded.tokenTypes.subarray(start, start + length), cuSeqlens[i]);
  }
  return { ids, tokenTypes, cuSeqlens };
}
