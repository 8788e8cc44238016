import { DEFAULT_KINDS, type FinetagErrorCode, type FinetagErrorKind } from "./kinds.ts";
import { asLine } from "./text.ts";

export interface FinetagErrorOptions extends ErrorOptions {
  /** See {@link FinetagError.option}. */
  option?: string;
  /** Default: the kind of the code. */
  kind?: FinetagErrorKind;
}

/**
 * The one error class of the API. Its message is one line that says what is wrong, where (file and row), and what to do.
 *
 * Messages name options as in TypeScript, in backticks, sometimes with a value: `` `devSplit` ``, `` `newHead: true` ``.
 * Names from files and users are in double quotes.
 */
export class FinetagError extends Error {
  readonly code: FinetagErrorCode;
  /** What has to change: the input, the machine, or finetag. */
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
