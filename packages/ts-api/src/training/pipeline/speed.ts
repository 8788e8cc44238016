/** Number of steps over which the shown rates are averaged. */
const WINDOW = 50;

/** The speed of the last steps of this process. */
export class Speed {
  readonly #steps: { seconds: number; rows: number; tokens: number }[] = [];

  add(seconds: number, rows: number, tokens: number): void {
    this.#steps.push({ seconds, rows, tokens });
    if (this.#steps.length > WINDOW) this.#steps.shift();
  }

  rates(): { samplesPerSecond: number; tokensPerSecond: number } {
    const seconds = this.#sum("seconds");
    return { samplesPerSecond: this.#sum("rows") / seconds, tokensPerSecond: this.#sum("tokens") / seconds };
  }

  /** Estimated seconds for this many more steps. */
  secondsFor(steps: number): number {
    return (this.#sum("seconds") / this.#steps.length) * steps;
  }

  #sum(key: "seconds" | "rows" | "tokens"): number {
    return this.#steps.reduce((sum, step) => sum + step[key], 0);
  }
}
