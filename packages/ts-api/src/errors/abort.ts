import { FinetagError } from "./finetag-error.ts";

/**
 * The error that a caller gets after its signal aborts.
 *
 * @param place What was stopped; it begins the message: a file's path, `the download`.
 */
export function abortError(signal?: AbortSignal, place?: string): FinetagError {
  const stopped = "stopped by the caller";
  return new FinetagError("ERR_FINETAG_ABORTED", place === undefined ? stopped : `${place}: ${stopped}`, {
    cause: signal?.reason,
  });
}

/** @throws {@link abortError} if the signal has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, place?: string): void {
  if (signal?.aborted) throw abortError(signal, place);
}

/** True for the error of {@link throwIfAborted}. */
export function isAborted(error: unknown): boolean {
  return error instanceof FinetagError && error.code === "ERR_FINETAG_ABORTED";
}
