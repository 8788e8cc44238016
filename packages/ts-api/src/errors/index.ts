/** Stable codes; a message may change, a code does not. */
export type FinetagErrorCode =
  /** An option or argument is missing, unknown or out of range. */
  | "ERR_FINETAG_ARGUMENT"
  /** A data file cannot be used as it is. */
  | "ERR_FINETAG_DATA"
  /** A model directory, weight file, config or tokenizer cannot be used as it is. */
  | "ERR_FINETAG_MODEL"
  /** A training checkpoint cannot be used as it is. */
  | "ERR_FINETAG_CHECKPOINT"
  /** A file cannot be read or written: permissions, full disk. */
  | "ERR_FINETAG_IO"
  /** A download failed, or is not allowed offline. */
  | "ERR_FINETAG_DOWNLOAD"
  /** An upload failed, or is not allowed offline. */
  | "ERR_FINETAG_UPLOAD"
  /** The device asked for is not there, or cannot do what was asked. */
  | "ERR_FINETAG_DEVICE"
  /** The loss is not a number any more. */
  | "ERR_FINETAG_DIVERGED"
  /** Stopped by an AbortSignal or Ctrl-C. */
  | "ERR_FINETAG_ABORTED"
  /** The classifier or session was disposed before. */
  | "ERR_FINETAG_DISPOSED"
  /** Not enough memory. */
  | "ERR_FINETAG_OUT_OF_MEMORY"
  /** The native addon is missing or does not load. */
  | "ERR_FINETAG_ADDON"
  /** Anything unexpected from the engine. */
  | "ERR_FINETAG_NATIVE";

/** Codes whose cause the user can mend: input, options, a full disk. The CLI exits with 2 for them. */
const INPUT_CODES: ReadonlySet<FinetagErrorCode> = new Set([
  "ERR_FINETAG_ARGUMENT",
  "ERR_FINETAG_DATA",
  "ERR_FINETAG_MODEL",
  "ERR_FINETAG_CHECKPOINT",
  "ERR_FINETAG_DEVICE",
  "ERR_FINETAG_IO",
  "ERR_FINETAG_DIVERGED",
]);

/** What a library, a server or the system said, to stand within a message: without line breaks and control characters. */
export function oneLine(said: string): string {
  return said.replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

/** Characters of a message: a file may name things at any length. What is cut out lies between what is wrong and the remedy. */
const MESSAGE_LIMIT = 2000;
const MESSAGE_START = 1400;

/**
 * A text from a file, such as a name, as it may stand in a line on a terminal: line breaks and other control characters
 * are written out (`\\u001b`).
 */
export function visible(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function asLine(message: string): string {
  return shortened(visible(shortened(message)));
}

function shortened(text: string): string {
  if (text.length <= MESSAGE_LIMIT) return text;
  return `${text.slice(0, MESSAGE_START)} … ${text.slice(MESSAGE_START + 3 - MESSAGE_LIMIT)}`;
}

/**
 * The one error class of the API. Its message is one line a user can act on:
 * what is wrong, where (file and row), and what to do.
 */
export class FinetagError extends Error {
  readonly code: FinetagErrorCode;

  constructor(code: FinetagErrorCode, message: string, options?: ErrorOptions) {
    super(asLine(message), options);
    this.name = "FinetagError";
    this.code = code;
  }

  /** True when the user has to change something: input, options, or room on the disk. */
  get isInputError(): boolean {
    return INPUT_CODES.has(this.code);
  }
}
