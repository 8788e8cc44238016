import { setTimeout as sleep } from "node:timers/promises";
import { oneLine } from "../../errors/index.ts";
import { HttpError, isTransient, TimeoutError } from "../failures.ts";

/** Until the answer to a question or a commit, in ms. Uploads of files are not timed: they take as long as they take. */
const ANSWER_TIMEOUT = 120_000;

const ATTEMPTS = 3;

/** A `fetch` for the Hub's client that throws an answer other than a success, with what the server says about it. */
export function pushFetch(signal: AbortSignal | undefined): typeof fetch {
  return async (input, init) => {
    const timed = new AbortController();
    const giveUp = () => timed.abort(new TimeoutError("no answer", ANSWER_TIMEOUT));
    const timer = init?.method === "PUT" ? undefined : setTimeout(giveUp, ANSWER_TIMEOUT);
    try {
      const signals = [timed.signal, signal, init?.signal].filter((s) => s != null);
      const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
      if (response.ok) return response;
      throw new HttpError(response, await saidBy(response));
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The server's own words, in one line. */
async function saidBy(response: Response): Promise<string | undefined> {
  const text = await response.text().catch(() => "");
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? oneLine(error).slice(0, 300) : undefined;
  } catch {
    return undefined;
  }
}

/** Sends again what may succeed another time. */
export async function persistently<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (signal?.aborted || attempt === ATTEMPTS || !isTransient(error)) throw error;
      const asked = error instanceof HttpError ? error.retryAfter : undefined;
      await sleep(Math.min(asked ?? 500 * 2 ** attempt, 30_000), undefined, { signal }).catch(
        () => undefined,
      );
    }
  }
}
