import { FinetagError } from "../errors/index.ts";

/** @throws FinetagError `ERR_FINETAG_ABORTED` once the signal was given. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError();
}

/** What a caller who gives the signal gets. */
export function abortError(): FinetagError {
  return new FinetagError("ERR_FINETAG_ABORTED", "stopped by the caller");
}

/** True for the error of {@link throwIfAborted}. */
export function isAborted(error: unknown): boolean {
  return error instanceof FinetagError && error.code === "ERR_FINETAG_ABORTED";
}

/** Lets timers, input and other work of the event loop run. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
