import { createRequire } from "node:module";
import type cliProgress from "cli-progress";

const BAR_WIDTH = 24;

/**
 * A progress line at the bottom of a terminal; messages scroll above it. Between two drawings the cursor is at its start: a
 * terminal that becomes narrower wraps the line, and the cursor is then still where the line begins.
 */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream;
  #shown: { bars: cliProgress.MultiBar; bar: cliProgress.SingleBar } | undefined;

  /** What a narrower terminal has moved to further lines is removed before the next drawing. */
  #resized = false;
  readonly #onResize = () => {
    this.#resized = true;
  };

  /** @param stream a terminal. */
  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** @param total undefined if it is not known; then only the text is shown. */
  show(text: string, done = 0, total?: number): void {
    const payload = { text, bare: total === undefined };
    const end = total ?? Math.max(done, 1);
    if (this.#shown === undefined) {
      const bars = createBars(this.#stream);
      bars.on("redraw-pre", () => {
        if (this.#resized) this.#stream.clearScreenDown();
        this.#resized = false;
      });
      bars.on("redraw-post", () => this.#stream.write("\r"));
      this.#stream.on("resize", this.#onResize);
      this.#shown = { bars, bar: bars.create(end, done, payload) };
    } else {
      this.#shown.bar.setTotal(end);
      this.#shown.bar.update(Math.min(done, end), payload);
    }
  }

  /** Prints lines above the bar. */
  print(text: string): void {
    if (this.#shown === undefined) this.#stream.write(`${text}\n`);
    else this.#shown.bars.log(`${text}\n`);
  }

  /** Removes the bar; printed messages stay. May be called again. */
  stop(): void {
    if (this.#shown === undefined) return;
    const { bars } = this.#shown;
    this.#shown = undefined;
    this.#stream.off("resize", this.#onResize);
    // Messages are buffered until the next drawing, so draw once more.
    bars.update();
    bars.stop();
  }
}

function createBars(stream: NodeJS.WriteStream): cliProgress.MultiBar {
  // Loaded here, since finetag mostly runs without a terminal.
  const { MultiBar } = createRequire(import.meta.url)("cli-progress") as typeof cliProgress;
  return new MultiBar({
    stream,
    clearOnComplete: true,
    // Terminal modes stay unchanged, so a killed process leaves nothing to restore.
    linewrap: true,
    hideCursor: false,
    gracefulExit: false,
    format: (_options, { progress }, { text, bare }: { text: string; bare: boolean }) =>
      bare ? text : `${drawBar(progress)} ${text}`,
  });
}

function drawBar(progress: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, progress)) * BAR_WIDTH);
  return "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
}
