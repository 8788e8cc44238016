import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { NativeModelConfig } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import { recoverFiles } from "../io/index.ts";
import { readConfigFile } from "./config-file.ts";
import { FAMILIES, type Family, findFamily, firstPosition } from "./families/index.ts";
import { readFields } from "./read-fields.ts";
import { type ConfigFile, HIDDEN_ACTS } from "./schema.ts";

/** A model directory's `config.json`, as read and as the engine takes it. */
export interface ModelConfig {
  /** The folder, for messages; absent for a config that was not read from one. */
  directory?: string;
  /** The file's name, for messages; absent as well. */
  file?: string;
  /** As read, with the keys that finetag does not know. */
  json: Record<string, unknown>;
  /** One of those in `families/`, also where the file names none. */
  modelType: string;
  /** `numLabels` is 0 where the file names none. */
  native: NativeModelConfig;
  /** The names in `id2label`, unless they are the LABEL_0, LABEL_1, … that transformers fills in. */
  labels?: string[];
}

/**
 * Reads and checks `config.json`, or the config next to a checkpoint of Google's (see `readConfigFile`). Missing keys get
 * the defaults of transformers' configuration class. A save that a crash cut off is finished first (see `recoverFiles`).
 *
 * @throws ERR_FINETAG_MODEL for a missing file, another model type, or a value that the engine cannot honour.
 */
export async function readModelConfig(dir: string): Promise<ModelConfig> {
  await recoverFiles(dir);
  const { path, json } = await readConfigFile(dir);
  return { directory: dir, file: basename(path), ...parseModelConfig(json, path) };
}

/**
 * Checks the contents of a `config.json`.
 *
 * @param path Where they come from, for messages.
 * @throws ERR_FINETAG_MODEL as {@link readModelConfig}.
 */
export function parseModelConfig(json: unknown, path: string): ModelConfig {
  const bad = (what: string) => new FinetagError("ERR_FINETAG_MODEL", `${path}: ${what}`);
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw bad("not a JSON object; fetch it again");
  const family = findFamily(json as Record<string, unknown>);
  if (family === undefined) throw bad(unknownFamily(json as Record<string, unknown>));
  const read = readFields(json, family);
  if ("issue" in read) {
    const { path: key, message, input } = read.issue;
    const value = JSON.stringify(input)?.slice(0, 100);
    throw bad(
      `${JSON.stringify(key.join("."))} is ${value}: ${message}; correct it, or use the config.json of the weights`,
    );
  }
  const { file } = read;
  const unsupported = findUnsupported(file, family);
  if (unsupported !== undefined) throw bad(unsupported);
  const labels = labelNames(file, bad);
  return {
    json: json as Record<string, unknown>,
    modelType: family.modelType,
    native: toNative(family.engine, file, labels),
    labels: labels && isDeepStrictEqual(labels, standardLabels(labels.length)) ? undefined : labels,
  };
}

/** The longest text in tokens, special ones included. */
export function maxTextLength({ native }: Pick<ModelConfig, "native">): number {
  return native.maxPositionEmbeddings - firstPosition(native.family, native.padTokenId);
}

function unknownFamily({ model_type: modelType, architectures }: Record<string, unknown>): string {
  const known = FAMILIES.map((family) => family.modelType).sort();
  const types = `${known.slice(0, -1).join(", ")} and ${known.at(-1)}`;
  if (modelType != null)
    return `finetag does not read model_type ${JSON.stringify(modelType)}; it reads ${types}`;
  const why =
    architectures == null
      ? ""
      : `, and architectures ${JSON.stringify(architectures)} does not say which it is`;
  return `it has no model_type${why}; add the one that belongs to the weights: ${types}`;
}

function findUnsupported(file: ConfigFile, { engine, keys }: Family): string | undefined {
  const shown = (key: "hidden_size" | "num_attention_heads") => `${keys?.[key] ?? key} ${file[key]}`;
  if (file.hidden_size % file.num_attention_heads !== 0) {
    return `${shown("hidden_size")} is not a multiple of ${shown("num_attention_heads")}; use the config.json of the weights`;
  }
  if ((file.position_embedding_type ?? "absolute") !== "absolute") {
    return `finetag reads position_embedding_type "absolute", not ${JSON.stringify(file.position_embedding_type)}; use another model`;
  }
  const { num_hidden_groups: groups = 1, num_hidden_layers: layers } = file;
  if (groups > layers) {
    return `num_hidden_groups ${groups} is more than num_hidden_layers ${layers}; use the config.json of the weights`;
  }
  if (file.is_decoder || file.add_cross_attention) {
    return "it describes a decoder (is_decoder or add_cross_attention); use an encoder";
  }
  if (file.max_position_embeddings <= firstPosition(engine, file.pad_token_id)) {
    return `max_position_embeddings ${file.max_position_embeddings} leaves no position after pad_token_id ${file.pad_token_id}; use the config.json of the weights`;
  }
  if (file.pad_token_id >= file.vocab_size) {
    return `pad_token_id ${file.pad_token_id} is not below vocab_size ${file.vocab_size}; correct it, or use the config.json of the weights`;
  }
  const parameters = countParameters(file);
  if (parameters > PARAMETER_LIMIT) {
    return `its sizes make ${parameters.toExponential(1)} parameters, more than any such model has; use the config.json of the weights`;
  }
  return undefined;
}

/** The largest published RoBERTa (XLM-R XXL) has 1.1e10; with more, the file is damaged. */
const PARAMETER_LIMIT = 2e10;

/** Of the embeddings and the large matrices. */
function countParameters(file: ConfigFile): number {
  const { hidden_size: hidden, intermediate_size: intermediate, embedding_size: width = hidden } = file;
  const rows = file.vocab_size + file.max_position_embeddings + file.type_vocab_size;
  const layers =
    file.num_hidden_groups === undefined
      ? file.num_hidden_layers
      : file.num_hidden_groups * (file.inner_group_num ?? 1);
  return rows * width + layers * (4 * hidden * hidden + 2 * hidden * intermediate);
}

/** transformers' names for unnamed labels. */
function standardLabels(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `LABEL_${i}`);
}

/** @param count Number of labels, if it is known from elsewhere than the config. */
export function namesOfLabels({ labels, native }: ModelConfig, count = native.numLabels): string[] {
  return labels ?? standardLabels(count);
}

/** Names by id; undefined where the file has neither `id2label` nor `num_labels`. */
function labelNames(file: ConfigFile, bad: (what: string) => FinetagError): string[] | undefined {
  if (file.id2label == null) {
    return file.num_labels == null ? undefined : standardLabels(file.num_labels);
  }
  const byId = new Map(Object.entries(file.id2label).map(([id, name]) => [Number(id), name]));
  const names = Array.from({ length: byId.size }, (_, id) => byId.get(id));
  if (names.includes(undefined)) {
    throw bad(`id2label does not number its ${byId.size} labels from 0 to ${byId.size - 1}; correct it`);
  }
  const twice = names.find((name, id) => names.indexOf(name) !== id);
  if (twice !== undefined) throw bad(`id2label has two labels named ${JSON.stringify(twice)}; rename one`);
  return names as string[];
}

function toNative(
  family: NativeModelConfig["family"],
  file: ConfigFile,
  labels: string[] | undefined,
): NativeModelConfig {
  return {
    family,
    vocabSize: file.vocab_size,
    hiddenSize: file.hidden_size,
    numHiddenLayers: file.num_hidden_layers,
    numAttentionHeads: file.num_attention_heads,
    intermediateSize: file.intermediate_size,
    hiddenAct: HIDDEN_ACTS[file.hidden_act],
    maxPositionEmbeddings: file.max_position_embeddings,
    typeVocabSize: file.type_vocab_size,
    taskTypeVocabSize: file.use_task_id ? file.task_type_vocab_size : undefined,
    embeddingSize: file.embedding_size,
    numHiddenGroups: file.num_hidden_groups,
    innerGroupNum: file.inner_group_num,
    layerNormEps: file.layer_norm_eps,
    padTokenId: file.pad_token_id,
    hiddenDropoutProb: file.hidden_dropout_prob,
    attentionProbsDropoutProb: file.attention_probs_dropout_prob,
    classifierDropout: file.classifier_dropout ?? file.hidden_dropout_prob,
    initializerRange: file.initializer_range,
    numLabels: labels?.length ?? 0,
  };
}
