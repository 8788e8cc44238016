import { FinetagError, nearest } from "../errors/index.ts";
import type { EvaluateOptions, LoadOptions, PredictOptions, StreamOptions } from "./types.ts";

type Known<Options> = Record<keyof Options, true>;

const LOAD: Known<LoadOptions> = {
  labels: true,
  newHead: true,
  multiLabel: true,
  device: true,
  threads: true,
  seed: true,
  precision: true,
  dropout: true,
  offline: true,
  onDownload: true,
  signal: true,
};
const PREDICT: Known<StreamOptions> = {
  batchSize: true,
  maxLength: true,
  threshold: true,
  signal: true,
  fullWindows: true,
};
const EVALUATE: Known<EvaluateOptions> = {
  batchSize: true,
  threshold: true,
  signal: true,
  onData: true,
  onProgress: true,
};

/**
 * Checks the options of `fromPretrained` that nothing else checks.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT`
 */
export function checkLoadOptions(options: LoadOptions): void {
  checkNames(options, LOAD);
  if (options.labels !== undefined) checkLabelNames(options.labels);
}

/**
 * Checks the options of a call to predict, before its texts are batched with those of others.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT`
 */
export function checkPredictOptions(options: PredictOptions): void {
  checkNames(options, PREDICT);
  checkNumbers(options);
}

/** @throws FinetagError `ERR_FINETAG_ARGUMENT` */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  checkNames(options, EVALUATE);
  checkNumbers(options);
}

function checkNumbers({ batchSize, threshold }: Pick<PredictOptions, "batchSize" | "threshold">): void {
  if (batchSize !== undefined && !(Number.isInteger(batchSize) && batchSize > 0)) {
    throw wrong("batchSize", batchSize, "a whole number of at least 1");
  }
  if (threshold !== undefined && !(typeof threshold === "number" && threshold >= 0 && threshold <= 1)) {
    throw wrong("threshold", threshold, "a number from 0 to 1");
  }
}

function checkNames(options: object, known: Record<string, true>): void {
  if (typeof options !== "object" || options === null) {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", "the options must be an object");
  }
  const strange = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (strange === undefined) return;
  const meant = nearest(strange, Object.keys(known));
  const advice = meant === undefined ? "" : `; did you mean \`${meant}\`?`;
  throw new FinetagError("ERR_FINETAG_ARGUMENT", `\`${strange}\` is not an option${advice}`, {
    option: strange,
  });
}

/** Names that a config can hold, and that are read again as they were written. */
function checkLabelNames(labels: unknown): void {
  if (!Array.isArray(labels) || labels.length === 0)
    throw wrong("labels", labels, "an array of at least one name");
  const seen = new Set<unknown>();
  for (const label of labels) {
    if (typeof label !== "string" || label.trim() !== label || label === "") {
      throw wrong("labels", label, "names that are not empty, without blanks around them");
    }
    if (seen.has(label)) throw wrong("labels", label, "each name once");
    seen.add(label);
  }
}

function wrong(option: string, value: unknown, wanted: string): FinetagError {
  const shown =
    typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value).slice(0, 60);
  const verb = option === "labels" ? "has" : "is";
  return new FinetagError("ERR_FINETAG_ARGUMENT", `\`${option}\` ${verb} ${shown}; give ${wanted}`, {
    option,
  });
}
