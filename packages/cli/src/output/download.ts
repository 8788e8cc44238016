import type { DownloadProgress } from "@finetag/api";
import type { Context } from "../context.ts";
import { formatBytes } from "./format.ts";
import { ProgressLine } from "./progress.ts";

/** Shows downloads on stderr: a bar on a terminal, otherwise one line per file. */
export class DownloadProgressLine {
  readonly #stderr: NodeJS.WriteStream;
  readonly #line: ProgressLine | undefined;
  #file: string | undefined;

  constructor({ stderr }: Context) {
    this.#stderr = stderr;
    this.#line = stderr.isTTY === true ? new ProgressLine(stderr) : undefined;
  }

  /** Bound, so that it can be passed as a callback. */
  readonly show = ({ file, receivedBytes, totalBytes }: DownloadProgress): void => {
    const size = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
    if (this.#line !== undefined) {
      this.#line.show(`${file}: ${formatBytes(receivedBytes)}${size}`, receivedBytes, totalBytes);
    } else if (file !== this.#file) {
      this.#stderr.write(
        `downloading ${file}${totalBytes === undefined ? "" : ` (${formatBytes(totalBytes)})`}\n`,
      );
    }
    this.#file = file;
  };

  /** May be called again. */
  stop(): void {
    this.#line?.stop();
  }
}
