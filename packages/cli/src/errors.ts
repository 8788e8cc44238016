/** The command line cannot be used as it is; exit code 2, like all bad input. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What the errors of `@finetag/api` have, seen without loading it. */
interface CodedError extends Error {
  code: string;
  kind?: "input" | "environment" | "internal";
}

export function isFinetagError(error: unknown): error is CodedError {
  return error instanceof Error && /^ERR_FINETAG_/.test(String((error as Partial<CodedError>).code));
}

export const EXIT_FAILED = 1;
export const EXIT_BAD_INPUT = 2;

/** 2 where the user has to change something, 1 for all else. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_BAD_INPUT;
  return isFinetagError(error) && error.kind === "input" ? EXIT_BAD_INPUT : EXIT_FAILED;
}

/**
 * One line for stderr; below it the stack where `FINETAG_DEBUG` asks for it.
 *
 * @param inFlags writes the options that the API names as those of the command that ran.
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
    : `finetag: unexpected error: ${message || "no message"} (FINETAG_DEBUG=1 shows where)`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
