import { DEFAULT_KINDS, type FinetagErrorCode, type FinetagErrorKind } from "./kinds.ts";
import { asLine } from "./text.ts";

export interface FinetagErrorOptions extends ErrorOptions {
  /** See {@link FinetagError.option}. */
  option?: string;
  /** Default: that of the code. */
  kind?: FinetagErrorKind;
}

/**
 * The one error class of the API. Its message is one line that says what is wrong, where (file and row), and what to do.
 *
 * A message writes an option by its name in TypeScript between backticks, with a value where one is meant: `` `devSplit` ``,
 * `` `newHead: true` ``. Names from files and users stand in double quotes.
 */
export class FinetagError extends Error {
  readonly code: FinetagErrorCode;
  /** Who can do something about it. */
  readonly kind: FinetagErrorKind;
  /** The option that the error is about, by its name in TypeScript, such as `newHead`. */
  readonly option: string | undefined;

  constructor(code: FinetagErrorCode, message: string, options: FinetagErrorOptions = {}) {
    const { option, kind = DEFAULT_KINDS[code], ...rest } = options;
    super(asLine(message), rest);
    this.name = "FinetagError";
    this.code = code;
    this.kind = kind;
    this.option = option;
  }
}
