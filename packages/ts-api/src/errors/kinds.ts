/** Stable codes; a message may change, a code does not. */
export type FinetagErrorCode =
  /** An option or argument is missing, unknown or out of range. */
  | "ERR_FINETAG_ARGUMENT"
  /** A data file cannot be used. */
  | "ERR_FINETAG_DATA"
  /** A model directory, weight file, config or tokenizer cannot be used. */
  | "ERR_FINETAG_MODEL"
  /** A training checkpoint cannot be used. */
  | "ERR_FINETAG_CHECKPOINT"
  /** A file cannot be read or written: for example it is missing, permissions are missing, or the disk is full. */
  | "ERR_FINETAG_IO"
  /** A download failed, or is not allowed offline. */
  | "ERR_FINETAG_DOWNLOAD"
  /** An upload failed, or is not allowed offline. */
  | "ERR_FINETAG_UPLOAD"
  /** The machine does not have the device, or the device does not support the request. */
  | "ERR_FINETAG_DEVICE"
  /** The loss or a weight became NaN or infinite. */
  | "ERR_FINETAG_DIVERGED"
  /** Stopped by an AbortSignal or Ctrl-C. */
  | "ERR_FINETAG_ABORTED"
  /** The classifier or session was disposed. */
  | "ERR_FINETAG_DISPOSED"
  /** Not enough memory. */
  | "ERR_FINETAG_OUT_OF_MEMORY"
  /** The native addon is missing or does not load. */
  | "ERR_FINETAG_ADDON"
  /** Anything unexpected from the engine. */
  | "ERR_FINETAG_NATIVE";

/**
 * What has to change before the same call can succeed:
 *
 * - `input`: the options, data or files that the caller gave.
 * - `environment`: the machine: a full disk, missing permissions, no network, not enough memory, a missing addon.
 * - `internal`: finetag itself; this is a bug.
 */
export type FinetagErrorKind = "input" | "environment" | "internal";

/** The kind of an error that does not state its own. */
export const DEFAULT_KINDS: Readonly<Record<FinetagErrorCode, FinetagErrorKind>> = {
  ERR_FINETAG_ARGUMENT: "input",
  ERR_FINETAG_DATA: "input",
  ERR_FINETAG_MODEL: "input",
  ERR_FINETAG_CHECKPOINT: "input",
  ERR_FINETAG_IO: "environment",
  ERR_FINETAG_DOWNLOAD: "environment",
  ERR_FINETAG_UPLOAD: "environment",
  // The caller names the device, and `auto` always finds one.
  ERR_FINETAG_DEVICE: "input",
  // Another learning rate or other data helps.
  ERR_FINETAG_DIVERGED: "input",
  ERR_FINETAG_ABORTED: "environment",
  // The calling program uses an object after disposing of it.
  ERR_FINETAG_DISPOSED: "input",
  ERR_FINETAG_OUT_OF_MEMORY: "environment",
  ERR_FINETAG_ADDON: "environment",
  ERR_FINETAG_NATIVE: "internal",
};
