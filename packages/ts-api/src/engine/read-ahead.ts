import { yieldToEventLoop } from "./event-loop.ts";

/**
 * Reads a source ahead of its only consumer, in the background, until what it holds weighs `limit` or more. It starts
 * with the first {@link take}; what fails while reading is thrown once everything that came before is taken.
 */
export class ReadAhead<T> {
  readonly #iterator: AsyncIterator<T> | Iterator<T>;
  readonly #limit: number;
  readonly #weigh: (item: T) => number;
  #items: T[] = [];
  #weight = 0;
  #started = false;
  /** Waiting for the source, which may take forever. */
  #asking = false;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #onArrival = () => {};
  #onRoom = () => {};

  /** @param weigh of one item; by default each weighs 1 */
  constructor(source: AsyncIterable<T> | Iterable<T>, limit: number, weigh: (item: T) => number = () => 1) {
    this.#iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
    this.#limit = limit;
    this.#weigh = weigh;
  }

  /**
   * Waits until there is something, and gives all there is; nothing at the end.
   *
   * @param full Wait until it weighs the limit or the source ends: the same source is then always cut alike.
   */
  async take(full = false): Promise<T[]> {
    if (!this.#started) {
      this.#started = true;
      void this.#read();
    }
    if (full) await this.#arrival(() => this.#weight >= this.#limit);
    else if (this.#items.length === 0) {
      await this.#arrival(() => this.#items.length > 0);
      // What came first is seldom alone: the rest of a chunk that was read comes within the same turn.
      if (this.#weight < this.#limit && !this.#ended) await yieldToEventLoop();
    }
    const taken = this.#items;
    this.#items = [];
    this.#weight = 0;
    this.#onRoom();
    if (taken.length === 0 && this.#failure !== undefined) throw this.#failure.error;
    return taken;
  }

  /** Ends the reading; a {@link take} that waits gets nothing. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#items = [];
    this.#onRoom();
    this.#onArrival();
    const returned = Promise.resolve(this.#iterator.return?.());
    // A source that waits for input would answer only after that input; nobody waits for it.
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

/** The items of a source in its order, `limit` of which are made while the one before them is in use. */
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
