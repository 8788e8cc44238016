import { type FileHandle, open } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { ioError, makeFolder } from "../../io/index.ts";
import { type EventMessage, encodeEvent, SESSION_START, type SummaryValue, textValue } from "./event.ts";
import { frameRecord } from "./record.ts";

export interface TensorBoardWriterOptions {
  /**
   * The step of the checkpoint that a run continues from. TensorBoard then drops the data of later steps in earlier files
   * of the folder, since this run takes those steps again.
   */
  resumedAfterStep?: number;
}

/** Distinguishes files that one process opens within the same second. */
let opened = 0;

/**
 * Writes scalars and texts that `tensorboard --logdir DIR` shows. Each writer has its own events file, so a resumed
 * run adds one to the folder. Calls take effect in call order; each resolves when its event is written.
 */
export class TensorBoardWriter {
  readonly path: string;
  readonly #file: FileHandle;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Starts an events file in a folder, which is created if needed.
   * @throws FinetagError `ERR_FINETAG_IO` when the folder or file can't be written.
   */
  static async open(dir: string, options: TensorBoardWriterOptions = {}): Promise<TensorBoardWriter> {
    const wallTime = Date.now() / 1000;
    const seconds = String(Math.floor(wallTime)).padStart(10, "0");
    const path = join(dir, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${opened++}`);
    let file: FileHandle;
    try {
      await makeFolder(dir);
      file = await open(path, "ax");
    } catch (error) {
      throw cannotWrite(path, error);
    }
    const writer = new TensorBoardWriter(path, file);
    await writer.#write({ wallTime, fileVersion: "brain.Event:2" });
    if (options.resumedAfterStep !== undefined) {
      const step = options.resumedAfterStep + 1;
      await writer.#write({ wallTime, step, sessionLog: { status: SESSION_START } });
    }
    return writer;
  }

  /**
   * @param tag where it appears, such as `train/loss`; the part before the slash groups.
   * @param wallTime seconds since the epoch; now if absent.
   * @throws FinetagError `ERR_FINETAG_IO` on a full disk and the like.
   */
  scalar(tag: string, value: number, step: number, wallTime?: number): Promise<void> {
    return this.scalars({ [tag]: value }, step, wallTime);
  }

  /** Several scalars of one step in one event. */
  scalars(values: Record<string, number>, step: number, wallTime?: number): Promise<void> {
    return this.#summary(
      Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue })),
      step,
      wallTime,
    );
  }

  /** A text in Markdown. */
  text(tag: string, text: string, step: number, wallTime?: number): Promise<void> {
    return this.#summary([textValue(tag, text)], step, wallTime);
  }

  /** Waits for pending writes and closes the file. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#last.catch(() => {});
    await this.#file.close();
  }

  #summary(value: SummaryValue[], step: number, wallTime = Date.now() / 1000): Promise<void> {
    return this.#write({ wallTime, step, summary: { value } });
  }

  #write(event: EventMessage): Promise<void> {
    if (this.#closed) {
      return Promise.reject(new FinetagError("ERR_FINETAG_DISPOSED", `${this.path}: already closed`));
    }
    const record = frameRecord(encodeEvent(event));
    // One event after another: a failed one must not stop the next, and they must not interleave.
    const written = this.#last
      .catch(() => {})
      .then(async () => {
        try {
          await this.#file.appendFile(record);
        } catch (error) {
          throw cannotWrite(this.path, error);
        }
      });
    this.#last = written;
    return written;
  }
}

/** As `ioError`, with the option that turns the events off. */
function cannotWrite(path: string, cause: unknown): unknown {
  const error = ioError(cause, "write", path);
  if (!(error instanceof FinetagError)) return error;
  const message = `${error.message}; or turn TensorBoard events off (\`tensorboard: false\`)`;
  return new FinetagError(error.code, message, { cause, kind: error.kind, option: "tensorboard" });
}
