import type { DownloadProgress } from "@finetag/api";
import type { Context } from "../context.ts";
import { formatBytes } from "./format.ts";
import { ProgressLine } from "./progress.ts";

/** Shows on stderr which files arrive: a bar on a terminal, a line a file elsewhere. */
export class DownloadProgressLine {
  readonly #stderr: NodeJS.WriteStream;
  readonly #line: ProgressLine | undefined;
  #file: string | undefined;

  constructor({ stderr }: Context) {
    this.#stderr = stderr;
    this.#line = stderr.isTTY === true ? new ProgressLine(stderr) : undefined;
  }

  /** Bound, so that it can be handed on. */
  readonly show = ({ file, receivedBytes, totalBytes }: DownloadProgress): void => {
    const size = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
    if (this.#line !== undefined) {
      this.#line.show(`${file}: ${formatBytes(receivedBytes)}${size}`, receivedBytes, totalBytes);
    } else if (file !== this.#file) {
      this.#stderr.write(
        `fetching ${file}${totalBytes === undefined ? "" : ` (${formatBytes(totalBytes)})`}\n`,
      );
    }
    this.#file = file;
  };

  /** May be called again. */
  stop(): void {
    this.#line?.stop();
  }
}
