import { EndlessAnswerError, HttpError, TimeoutError } from "./failures.ts";

export interface GuardedFetch {
  fetch: typeof fetch;
  /** The last error, as it was thrown: the client's streams pass on its message only. */
  lastError: unknown;
}

/**
 * A `fetch` for the Hub's client with timeouts for the head of the answer and between pieces of its body. An answer other
 * than a success is thrown as {@link HttpError}.
 */
export function guardedFetch(options: {
  headTimeout: number;
  stallTimeout: number;
  signal: AbortSignal | undefined;
}): GuardedFetch {
  const guarded: GuardedFetch = {
    lastError: undefined,
    fetch: async (input, init) => {
      try {
        return await fetchOnce(input, init);
      } catch (error) {
        guarded.lastError = error;
        throw error;
      }
    },
  };

  const fetchOnce: typeof fetch = async (input, init) => {
    const controller = new AbortController();
    const signals = [controller.signal, options.signal, init?.signal].filter((s) => s != null);
    const headers = new Headers(init?.headers);
    // A range counts bytes of the file itself, never of a compressed form of it.
    headers.set("accept-encoding", "identity");
    let timer = setTimeout(
      () => controller.abort(new TimeoutError("no answer", options.headTimeout)),
      options.headTimeout,
    );
    let response: Response;
    try {
      response = await fetch(input, { ...init, headers, signal: AbortSignal.any(signals) });
    } finally {
      clearTimeout(timer);
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new HttpError(response);
    }
    checkRange(headers.get("range"), response);
    if (response.body === null) return response;

    const arm = () => {
      clearTimeout(timer);
      timer = setTimeout(
        () => controller.abort(new TimeoutError("no data received", options.stallTimeout)),
        options.stallTimeout,
      );
      timer.unref();
    };
    const watch = new TransformStream<Uint8Array, Uint8Array>({
      start: arm,
      transform(chunk, output) {
        arm();
        output.enqueue(chunk);
      },
      flush: () => clearTimeout(timer),
    });
    return new Response(response.body.pipeThrough(watch), response);
  };

  return guarded;
}

/** What is said about one model: a page lists a thousand files in a quarter of a megabyte. */
const ANSWER_LIMIT = 100;
const BYTE_LIMIT = 64 * 1024 * 1024;

/** A `fetch` for questions about one model, whose answers are kept in memory: it gives up on a server without an end. */
export function boundedFetch(fetchOnce: typeof fetch): typeof fetch {
  let answers = 0;
  let bytes = 0;
  return async (input, init) => {
    if (++answers > ANSWER_LIMIT) throw new EndlessAnswerError(`${ANSWER_LIMIT} pages`);
    const response = await fetchOnce(input, init);
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, output) {
        bytes += chunk.byteLength;
        if (bytes > BYTE_LIMIT) throw new EndlessAnswerError(`${BYTE_LIMIT / 1024 / 1024} MiB`);
        output.enqueue(chunk);
      },
    });
    return response.body === null ? response : new Response(response.body.pipeThrough(count), response);
  };
}

/** Thrown where a server ignores a request for the rest of a file and sends all of it. */
export class RangeIgnoredError extends Error {
  constructor() {
    super("the server cannot continue a broken download");
    this.name = "RangeIgnoredError";
  }
}

function checkRange(range: string | null, response: Response): void {
  if (range !== null && !range.startsWith("bytes=0-") && response.status !== 206)
    throw new RangeIgnoredError();
}
