import cliProgress from "cli-progress";

const BAR_WIDTH = 24;

/** A line at the bottom of a terminal that is drawn over again, with messages going up above it. */
export class ProgressLine {
  readonly #bars: cliProgress.MultiBar;
  #bar: cliProgress.SingleBar | undefined;

  /** @param stream a terminal. */
  constructor(stream: NodeJS.WriteStream) {
    this.#bars = new cliProgress.MultiBar({
      stream,
      clearOnComplete: true,
      // Without a change of terminal modes there is none to undo when the process is ended.
      linewrap: true,
      hideCursor: false,
      gracefulExit: false,
      format: (_options, { progress }, { text, bare }: { text: string; bare: boolean }) =>
        bare ? text : `${drawBar(progress)} ${text}`,
    });
  }

  /** @param total absent where the end is not known; then only the text is shown. */
  show(text: string, done = 0, total?: number): void {
    const payload = { text, bare: total === undefined };
    if (this.#bar === undefined) {
      this.#bar = this.#bars.create(total ?? 1, done, payload);
    } else {
      this.#bar.setTotal(total ?? 1);
      this.#bar.update(Math.min(done, total ?? done), payload);
    }
  }

  /** Prints lines above the bar. */
  print(text: string): void {
    if (this.#bar === undefined) this.show("");
    this.#bars.log(`${text}\n`);
  }

  /** Takes the bar away; what was printed stays. May be called again. */
  stop(): void {
    if (this.#bar === undefined) return;
    this.#bars.update();
    this.#bars.stop();
    this.#bars.remove(this.#bar);
    this.#bar = undefined;
  }
}

function drawBar(progress: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, progress)) * BAR_WIDTH);
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}
