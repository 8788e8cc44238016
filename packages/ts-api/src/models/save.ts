import { open } from "node:fs/promises";
import { OLDER_TOKENIZER_FILES, SAFETENSORS, writeFilesAtomic } from "../io/index.ts";
import { type TensorSource, writeTensors } from "../weights/index.ts";
import type { ModelConfig } from "./config.ts";
import { familyOf } from "./families/index.ts";
import { FINETAG_JSON, type FinetagJson, formatJson } from "./finetag-json.ts";
import { MULTI_LABEL } from "./problem.ts";

/** All that a saved model consists of. */
export interface SavedModel {
  config: ModelConfig;
  /** Names of the labels, in the order of the head's rows. */
  labels: string[];
  tensors: TensorSource[];
  /** By name, as a `Tokenizer` gives them. */
  tokenizerFiles: ReadonlyMap<string, Uint8Array>;
  finetag: FinetagJson;
}

/** Of another model: they would be read together with its own files, unless it has its own. */
const STALE_FILES = [
  ...[FINETAG_JSON, SAFETENSORS.index, "tokenizer.json", "tokenizer_config.json"],
  ...OLDER_TOKENIZER_FILES,
];

/**
 * The `config.json` of a saved model: the one that was read, with its unknown keys, and what transformers needs to
 * load the model as the multi-label classifier it now is.
 */
export function savedConfigJson(config: ModelConfig, labels: string[]): Record<string, unknown> {
  // transformers refuses num_labels next to an id2label of another length, and loads weights in the dtype named here.
  const { num_labels: _numLabels, torch_dtype: _dtype, ...json } = config.json;
  return {
    ...json,
    model_type: config.modelType,
    architectures: [familyOf(config).architecture],
    dtype: "float32",
    problem_type: MULTI_LABEL,
    ...labelMaps(labels),
  };
}

/** The two keys by which transformers knows the labels' names. */
export function labelMaps(labels: readonly string[]) {
  return {
    id2label: Object.fromEntries(labels.map((name, id) => [String(id), name])),
    label2id: Object.fromEntries(labels.map((name, id) => [name, id])),
  };
}

/**
 * Writes what `AutoModelForSequenceClassification.from_pretrained` reads, and `finetag.json`, into a folder that may
 * hold an older model and other things (checkpoints, metrics), which stay.
 *
 * The files change as one (see `writeFilesAtomic`): after a crash, finetag finds all older ones or all newer ones. A
 * reader that knows nothing of it sees, where only the weights differ as within a training run, the older or the newer
 * model; where more differs, for the moment of a few renames, the newer small files with the older weights. In a new
 * folder the weights come last, so one that has them is complete.
 *
 * @throws ERR_FINETAG_IO with a remedy; the older model is then untouched.
 */
export async function saveModelDirectory(dir: string, model: SavedModel): Promise<void> {
  await saveDirectory(dir, { ...model, configJson: savedConfigJson(model.config, model.labels) });
}

/** {@link saveModelDirectory} with a config as it is, and `finetag.json` only where there is something to keep in it. */
export async function saveDirectory(
  dir: string,
  model: Pick<SavedModel, "tensors" | "tokenizerFiles"> & {
    configJson: Record<string, unknown>;
    finetag?: FinetagJson | undefined;
  },
): Promise<void> {
  const encode = (json: unknown) => new TextEncoder().encode(formatJson(json));
  const finetag = model.finetag && [{ name: FINETAG_JSON, content: encode(model.finetag) }];
  await writeFilesAtomic(
    dir,
    [
      ...(finetag ?? []),
      ...[...model.tokenizerFiles].map(([name, content]) => ({ name, content })),
      { name: "config.json", content: encode(model.configJson) },
      { name: SAFETENSORS.whole, content: (path) => writeWeights(path, model.tensors) },
    ],
    STALE_FILES,
  );
}

/** Needs no rename of its own: the file is in a folder that is not in use yet. */
async function writeWeights(path: string, tensors: TensorSource[]): Promise<void> {
  const handle = await open(path, "wx");
  try {
    await writeTensors(handle, tensors);
  } finally {
    await handle.close();
  }
}
