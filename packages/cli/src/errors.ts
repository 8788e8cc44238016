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
  const said = (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ").trim();
  const message = isFinetagError(error) ? inFlags(said) : said;
  const expected = error instanceof UsageError || isFinetagError(error);
  if (debug !== undefined && debug !== "" && debug !== "0") {
    return `finetag: ${message}\n${stackOf(error)}`;
  }
  return expected
    ? `finetag: ${message}`
    : `finetag: unexpected error: ${message || "no message"} (set FINETAG_DEBUG=1 for the stack trace)`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
