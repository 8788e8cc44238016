import { FinetagError } from "../errors/index.ts";

/** @throws FinetagError `ERR_FINETAG_ABORTED` once the signal was given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError();
}

/** What a caller who gives the signal gets. */
export function abortError(): FinetagError {
  return new FinetagError("ERR_FINETAG_ABORTED", "stopped by the caller");
}

/** What waits for each signal: one listener serves all, since Node warns of a leak from the eleventh on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once the signal is given, however many wait for it.
 *
 * @returns what takes the callback off again
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = waiting.get(signal);
  const callbacks = known ?? new Set();
  callbacks.add(callback);
  if (known === undefined) {
    waiting.set(signal, callbacks);
    const callAll = () => {
      for (const call of callbacks) call();
    };
    signal.addEventListener("abort", callAll, { once: true });
  }
  return () => callbacks.delete(callback);
}

/** True for the error of {@link throwIfAborted}. */
export function isAborted(error: unknown): boolean {
  return error instanceof FinetagError && error.code === "ERR_FINETAG_ABORTED";
}

/** Lets timers, input and other work of the event loop run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
