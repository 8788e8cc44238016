import { FinetagError, type FinetagErrorOptions, oneLine } from "../errors/index.ts";
import { withoutCredentials } from "./credentials.ts";

/** An answer of the Hub that is not a success. */
export class HttpError extends Error {
  readonly status: number;
  /** The Hub's own name of what is wrong, e.g. `RepoNotFound`, `RevisionNotFound`, `GatedRepo`. */
  readonly errorCode: string | undefined;
  /** In ms, where the server asks to wait. */
  readonly retryAfter: number | undefined;
  /** What the server says about it, in one line, where that was read. */
  readonly detail: string | undefined;

  constructor(response: Response, detail?: string) {
    super(`the server answered ${response.status} ${response.statusText}`.trim());
    this.name = "HttpError";
    this.status = response.status;
    this.detail = detail;
    this.errorCode = response.headers.get("x-error-code") ?? undefined;
    const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
    this.retryAfter = Number.isFinite(wait) ? wait * 1000 : undefined;
  }
}

/** No byte came for too long. */
export class TimeoutError extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what} for ${milliseconds / 1000} s`);
    this.name = "TimeoutError";
  }
}

/** A server's answers about a model do not end. */
export class EndlessAnswerError extends Error {
  constructor(limit: string) {
    super(`sends an endless answer about the repository (${limit} so far)`);
    this.name = "EndlessAnswerError";
  }
}

/** A source cannot give the model at all; another one may. A wrong checksum is never one of these. */
export class SourceUnavailableError extends FinetagError {
  constructor(message: string, options?: FinetagErrorOptions) {
    super("ERR_FINETAG_DOWNLOAD", message, options);
  }
}

/** Whether the same request may succeed when it is sent again. */
export function isTransient(error: unknown): boolean {
  if (error instanceof FinetagError || error instanceof EndlessAnswerError) return false;
  if (error instanceof HttpError) return error.status >= 500 || error.status === 429 || error.status === 408;
  return true;
}

/** The words that matter in an error of `fetch`, which wraps the cause once or twice. */
export function reason(error: unknown): string {
  const seen: string[] = [];
  for (let e: unknown = error; e instanceof Error && seen.length < 4; e = e.cause) {
    const code = (e as NodeJS.ErrnoException).code;
    const inner = e instanceof AggregateError && e.errors[0] instanceof Error ? e.errors[0].message : "";
    const message = oneLine(e.message || inner || code || e.name);
    if (message !== "fetch failed" && message !== "terminated") return withoutCredentials(message);
    seen.push(message);
  }
  return seen.includes("terminated")
    ? "the connection broke"
    : oneLine(String((error as Error)?.message ?? error));
}

/** The message for a network that does not answer, with what can be done about it. */
export function unreachable(endpoint: string, error: unknown, doing = "download from"): string {
  const proxy = process.env.HTTPS_PROXY || process.env.https_proxy;
  const hint =
    proxy && process.env.NODE_USE_ENV_PROXY !== "1"
      ? "set NODE_USE_ENV_PROXY=1 (Node 22.21+ or 24+), because Node does not use HTTPS_PROXY by itself"
      : "check the network, or set HF_ENDPOINT to a mirror";
  return `cannot ${doing} ${endpoint} (${reason(error)}); ${hint}`;
}
