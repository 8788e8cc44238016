/** Values may have megabytes; this much of one is enough to recognize it. */
const VALUE_LIMIT = 120;
/** Of a whole message, as in the API. */
const MESSAGE_LIMIT = 2000;

/** A value to be shown in a message, cut if it is long. */
export function shortened(value: string): string {
  return value.length <= VALUE_LIMIT ? value : `${value.slice(0, VALUE_LIMIT)}…`;
}

/** A mistake in the command line; exit code 2, like all bad input. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The shape of an error of `@finetag/api`, declared here so that the API need not be loaded. */
interface CodedError extends Error {
  code: string;
  kind?: "input" | "environment" | "internal";
}

export function isFinetagError(error: unknown): error is CodedError {
  return error instanceof Error && /^ERR_FINETAG_/.test(String((error as Partial<CodedError>).code));
}

export const EXIT_FAILED = 1;
export const EXIT_BAD_INPUT = 2;

/** 2 if the user has to change something, otherwise 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_BAD_INPUT;
  return isFinetagError(error) && error.kind === "input" ? EXIT_BAD_INPUT : EXIT_FAILED;
}

/**
 * One line for stderr, followed by the stack if `FINETAG_DEBUG` is set.
 *
 * @param inFlags rewrites the options in a message of the API as flags of the command that ran.
 */
export function describeError(
  error: unknown,
  inFlags: (message: string) => string,
  debug = process.env.FINETAG_DEBUG,
): string {
  const said = asLine(systemErrorText(error) ?? (error instanceof Error ? error.message : String(error)));
  const message = isFinetagError(error) ? inFlags(said) : said;
  const expected = error instanceof UsageError || isFinetagError(error) || isSystemError(error);
  if (debug !== undefined && debug !== "" && debug !== "0") {
    return `finetag: ${message}\n${stackOf(error)}`;
  }
  return expected
    ? `finetag: ${message}`
    : `finetag: unexpected error: ${message || "no message"} (set FINETAG_DEBUG=1 for the stack trace)`;
}

/** An error of a system call that the API has not put into words, such as a folder in the place of a file. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function systemErrorText(error: unknown): string | undefined {
  if (!isSystemError(error)) return undefined;
  const { code, path, message } = error;
  if (code === "EMFILE" || code === "ENFILE")
    return "too many files are open; raise `ulimit -n` to 256 or more";
  return path === undefined ? message : `${path}: ${message}; check the path and its permissions`;
}

/** As one line of at most 2,000 characters: the middle is cut out, between the problem and the remedy. */
export function asLine(text: string): string {
  return cut(text)
    .replace(/\s*\n\s*/g, " ")
    .trim();
}

function cut(text: string): string {
  if (text.length <= MESSAGE_LIMIT) return text;
  return `${text.slice(0, MESSAGE_LIMIT - 503)} … ${text.slice(-500)}`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
