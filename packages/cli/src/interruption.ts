import type { Writable } from "node:stream";
import { EXIT_FAILED } from "./errors.ts";
import { hangupIsIgnored } from "./hangup.ts";
import { onParentEnd } from "./parent.ts";

/** A terminal and npm may both deliver the same key press, a few ms apart, because npm passes signals on. */
const SAME_PRESS_MS = 150;

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type SignalName = keyof typeof EXIT_CODES;

export type InterruptionCause = SignalName | "pipe";

/**
 * Turns Ctrl-C, SIGTERM, SIGHUP (a closed terminal, a lost SSH session) and a closed pipe (`| head`) into an abort. So is the
 * end of the npx or npm that started this process, since these do not pass SIGTERM on.
 * A second signal ends the process at once.
 */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<(cause: InterruptionCause) => void>();
  #cause: InterruptionCause | undefined;
  #since = 0;

  /** Listens until the process ends. */
  constructor(outputs: (Writable & { isTTY?: boolean })[]) {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => this.#onSignal(name));
    const ignored = hangupIsIgnored();
    process.on("SIGHUP", () => ignored || this.#onSignal("SIGHUP"));
    onParentEnd((parent) => {
      if (this.#cause !== undefined) return; // Ctrl-C, which ends npx sooner
      process.stderr.write(`finetag: ${parent}, which started this command, has ended; stopping\n`);
      this.#abort("SIGTERM");
    });
    for (const output of outputs) {
      let terminalIsGone = false;
      output.on("error", (error: NodeJS.ErrnoException) => {
        // A run that outlives its terminal (setsid, disown) has nobody to talk to, and goes on.
        terminalIsGone ||= error.code === "EIO" && output.isTTY === true;
        if (terminalIsGone) return;
        if (error.code !== "EPIPE" && this.#cause === undefined) failAtExit(error);
        this.readerGone();
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get cause(): InterruptionCause | undefined {
    return this.#cause;
  }

  /** The exit code that shells expect after a signal; 141 is 128 + SIGPIPE. */
  get exitCode(): number {
    return this.#cause === undefined || this.#cause === "pipe" ? 141 : EXIT_CODES[this.#cause];
  }

  /** The reader of the output has closed its pipe. */
  readerGone(): void {
    this.#abort("pipe");
  }

  /** Calls back on the first signal. */
  onFirst(listener: (cause: InterruptionCause) => void): void {
    this.#listeners.add(listener);
  }

  #onSignal(name: SignalName): void {
    const now = performance.now();
    if (this.#cause === undefined || this.#cause === "pipe") {
      this.#since = now;
      this.#abort(name);
    } else if (now - this.#since > SAME_PRESS_MS) {
      // The last line may hold a progress bar.
      if (process.stderr.isTTY === true) process.stderr.write("\n");
      process.exit(EXIT_CODES[name]);
    }
  }

  #abort(cause: InterruptionCause): void {
    if (this.#cause !== undefined) {
      if (this.#cause === "pipe") this.#cause = cause;
      return;
    }
    this.#cause = cause;
    this.#controller.abort();
    for (const listener of this.#listeners) listener(cause);
  }
}

/** For example a full disk with `> file`. The work in progress may still complete, but the command has failed. */
function failAtExit(error: NodeJS.ErrnoException): void {
  process.stderr.write(`finetag: cannot write the output (${error.code ?? error.message})\n`);
  process.once("exit", () => {
    process.exitCode = EXIT_FAILED;
  });
}
