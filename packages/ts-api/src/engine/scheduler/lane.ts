import { batchEnd } from "../store/index.ts";
import type { Request, Row } from "./request.ts";
import { WINDOW_TEXTS } from "./window.ts";

interface Tokenized {
  request: Request;
  rows: Row[];
}

/**
 * Tokenized texts that may share batches. They gather until the engine can take some; then up to a window of them is
 * closed, sorted with the longest first, and cut into batches. What comes later waits for the next window.
 */
export class Lane {
  readonly #batchSize: number;
  readonly #maxTokens: number;
  #gathered: Tokenized[] = [];
  #gatheredTexts = 0;
  #gatheredTokens = 0;
  /** What is left of the closed window. */
  #window: Row[] = [];

  constructor(batchSize: number, maxTokens: number) {
    this.#batchSize = batchSize;
    this.#maxTokens = maxTokens;
  }

  add(request: Request, rows: Row[]): void {
    this.#gathered.push({ request, rows });
    this.#gatheredTexts += rows.length;
    this.#gatheredTokens += tokensOf(rows);
  }

  get isEmpty(): boolean {
    return this.#window.length === 0 && this.#gathered.length === 0;
  }

  /** A whole window has gathered. */
  get isFull(): boolean {
    return this.#gatheredTexts >= WINDOW_TEXTS;
  }

  /** No text that may still come would join the next batch. */
  get isRipe(): boolean {
    return (
      this.#window.length > 0 ||
      this.#gatheredTokens >= this.#maxTokens ||
      this.#gatheredTexts >= this.#batchSize
    );
  }

  /** Takes the next batch. Empty where no text is wanted any longer. */
  take(): Row[] {
    this.#window = this.#window.filter(({ request }) => !request.isSettled);
    while (this.#window.length === 0 && this.#gathered.length > 0) this.#close();
    const end = batchEnd(
      (i) => this.#window[i]!.length,
      0,
      this.#window.length,
      this.#batchSize,
      this.#maxTokens,
    );
    return this.#window.splice(0, end);
  }

  /** Whole requests, so that the texts of a call that is alone are always cut alike. */
  #close(): void {
    let count = 0;
    let weight = 0;
    for (const { request } of this.#gathered) {
      if (count > 0 && weight + request.weight > WINDOW_TEXTS) break;
      count++;
      weight += request.weight;
    }
    const closed = this.#gathered.splice(0, count).flatMap(({ rows }) => rows);
    this.#gatheredTexts -= closed.length;
    this.#gatheredTokens -= tokensOf(closed);
    // The sort is stable: of equal ones, the first come goes first.
    this.#window = closed.filter(({ request }) => !request.isSettled).sort((a, b) => b.length - a.length);
  }
}

/** Tokens of these rows. */
export function tokensOf(rows: readonly Row[]): number {
  return rows.reduce((sum, { length }) => sum + length, 0);
}
