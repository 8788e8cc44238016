// Not the whole API: it takes a while to load, and most command lines do not need it.
import { nearest } from "@finetag/api/suggest";
import { toKebab } from "./names.ts";

/** Names that others use for the same thing: the TensorFlow 1 scripts, Hugging Face's, and habit. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  "max-seq-length": "max-length",
  "train-batch-size": "batch-size",
  "predict-batch-size": "batch-size",
  "per-device-train-batch-size": "batch-size",
  "per-device-eval-batch-size": "eval-batch-size",
  "num-train-epochs": "epochs",
  "warmup-proportion": "warmup-ratio",
  "save-checkpoints-steps": "save-every",
  "save-steps": "save-every",
  "eval-steps": "eval-every",
  "logging-steps": "log-every",
  "lr-scheduler-type": "schedule",
  "gradient-accumulation-steps": "gradient-accumulation",
  "model-name-or-path": "model",
  "bert-config-file": "model",
  "init-checkpoint": "model",
  "vocab-file": "model",
  "train-file": "train",
  "dev-file": "dev",
  "validation-file": "dev",
  "test-file": "test",
  "input-file": "input",
  lr: "learning-rate",
  output: "output-dir",
};

/** The name a user may have meant; undefined if none is close. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  const wanted = toKebab(name.replaceAll("_", "-")).replace(/^-+/, "");
  const other = OTHER_NAMES[wanted];
  return other !== undefined && known.includes(other) ? other : nearest(wanted, known);
}
