import { yieldToEventLoop } from "./event-loop.ts";

/**
 * Reads a source ahead of its only consumer, in the background, until the buffered items weigh `limit` or more. It starts
 * with the first {@link take}; an error of the source is thrown once all earlier items are taken.
 */
export class ReadAhead<T> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>;
  readonly #limit: number;
  readonly #weigh: (item: T) => number;
  #items: T[] = [];
  #weight = 0;
  #started = false;
  /** The pending read of the source, which may take forever. */
  #asking = false;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #onArrival = () => {};
  #onRoom = () => {};

  /** @param weigh weight of an item; by default 1 */
  constructor(source: AsyncIterable<T> | Iterable<T>, limit: number, weigh: (item: T) => number = () => 1) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#limit = limit;
    this.#weigh = weigh;
  }

  /**
   * Waits until there is at least one item, and returns all buffered ones; none at the end.
   *
   * @param full Wait until the limit is reached or the source ends: the same source is then always split the same way.
   */
  async take(full = false): Promise<T[]> {
    if (!this.#started) {
      this.#started = true;
      void this.#read();
    }
    if (full) await this.#arrival(() => this.#weight >= this.#limit);
    else if (this.#items.length === 0) {
      await this.#arrival(() => this.#items.length > 0);
      // The first item is rarely alone: the rest of a chunk arrives within the same turn of the event loop.
      if (this.#weight < this.#limit && !this.#ended) await yieldToEventLoop();
    }
    const taken = this.#items;
    this.#items = [];
    this.#weight = 0;
    this.#onRoom();
    if (taken.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    return taken;
  }

  /** Stops reading; a waiting {@link take} gets nothing. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#items = [];
    this.#onRoom();
    this.#onArrival();
    const returned = Promise.resolve(this.#iterator.return?.());
    // A source that waits for input would answer only after that input, so do not await it.
    if (this.#asking) returned.catch(() => {});
    else await returned;
  }

  async #arrival(isEnough: () => boolean): Promise<void> {
    while (!isEnough() && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#onArrival = resolve;
      });
    }
  }

  async #read(): Promise<void> {
    try {
      while (!this.#ended) {
        if (this.#weight >= this.#limit) {
          await new Promise<void>((resolve) => {
            this.#onRoom = resolve;
          });
          continue;
        }
        this.#asking = true;
        const { done, value } = await this.#iterator.next();
        this.#asking = false;
        if (done || this.#ended) break;
        this.#items.push(value);
        this.#weight += this.#weigh(value);
        this.#onArrival();
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#asking = false;
    this.#ended = true;
    this.#onArrival();
  }
}

/** The items of a source in order; up to `limit` of them are prepared while the previous one is in use. */
export async function* readAhead<T>(
  source: AsyncIterable<T> | Iterable<T>,
  limit = 1,
): AsyncGenerator<T, void> {
  const ahead = new ReadAhead(source, limit);
  try {
    for (let items = await ahead.take(); items.length > 0; items = await ahead.take()) yield* items;
  } finally {
    await ahead.close();
  }
}
