import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import {
  allFinite,
  notFinite,
  readModelSource,
  type Survey,
  strangeHead,
  surveyWeights,
} from "./engine/index.ts";
import { FinetagError, throwIfAborted } from "./errors/index.ts";
import { resolveModel } from "./hub/index.ts";
import { ioError, isNotFound, withLock } from "./io/index.ts";
import { familyOf, labelMaps, type ModelConfig, namesOfLabels, saveDirectory } from "./models/index.ts";
import { countElements, type TensorEntry, type TensorFile, type TensorSource } from "./weights/index.ts";

export interface ConvertOptions {
  /** Write into a folder that is not empty; files with the same names are replaced, others stay. */
  force?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** The result of a conversion. */
export interface ConvertedModel {
  directory: string;
  /** Format of the source, for people. */
  format: string;
  /** The model's class in transformers. */
  architecture: string;
  /** Number of tensors written, in float32. */
  tensors: number;
  /** Tensors of the source that were left out: they belong neither to the model nor to a head of its family. */
  left: string[];
}

/**
 * Converts a model of any format that finetag reads to a directory in transformers' layout: `config.json`,
 * `model.safetensors` and the tokenizer's files. It keeps the encoder and its classification head, or, if it has none, its
 * pretraining heads, in float32, under the current names. Only one tensor is in memory at a time, and all files appear at
 * once.
 *
 * @param source A directory, or the name of a model in the cache.
 * @throws FinetagError `ERR_FINETAG_ARGUMENT` if `destination` is not empty, `ERR_FINETAG_MODEL` for a source that cannot
 *   be read, `ERR_FINETAG_IO`, `ERR_FINETAG_ABORTED`; `destination` is then unchanged.
 */
export async function convertModel(
  source: string,
  destination: string,
  { force = false, signal }: ConvertOptions = {},
): Promise<ConvertedModel> {
  await checkDestination(destination, force);
  const model = await readModelSource(await resolveModel(source, { offline: true, signal }));
  const { directory, config, tokenizer, finetag } = model;
  const survey = await surveyWeights(model);
  try {
    const { head } = survey.match;
    if (typeof head === "object") throw strangeHead(directory, head.labels, survey.labels);
    const { tensors, left } = await chooseTensors(directory, survey, config, signal);
    checkSize(directory, survey.file, tensors);
    const configJson = convertedConfig(config, survey, new Set(tensors.map(({ name }) => name)));
    const converted = { configJson, tokenizerFiles: tokenizer.files, tensors, finetag };
    await withLock(destination, "saving a model", () => saveDirectory(destination, converted));
    return {
      directory: destination,
      format: survey.file.format,
      architecture: (configJson.architectures as string[])[0]!,
      tensors: tensors.length,
      left,
    };
  } finally {
    await survey.file.close();
  }
}

async function checkDestination(destination: string, force: boolean): Promise<void> {
  const entry = await stat(destination).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw ioError(error, "read", destination);
  });
  if (entry === undefined) return;
  const refuse = (why: string, option?: string) =>
    new FinetagError("ERR_FINETAG_ARGUMENT", `${destination}: ${why}`, { option });
  if (!entry.isDirectory()) throw refuse("it is a file; give a folder to write to");
  if (!force && (await readdir(destination)).length > 0) {
    throw refuse(
      "it is not empty; give a new folder, or use `force: true` to replace a model in it",
      "force",
    );
  }
}

/** Heads of the families' models in transformers, so far as encoders are published with them. */
const HEADS = [
  ...["cls.", "predictions.", "sop_classifier.", "lm_head.", "classifier."],
  ...["discriminator_predictions.", "generator_predictions.", "generator_lm_head."],
  ...["vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "qa_outputs."],
];

/** What transformers ties to the word embeddings, or to the bias next to it, unless the config says that it does not. */
const DECODER_WEIGHT = /(^|\.)(decoder|vocab_projector|generator_lm_head)\.weight$/;
const DECODER_BIAS = /(^|\.)decoder\.bias$/;

const FLOATS = new Set(["F32", "F16", "BF16", "F64"]);

async function chooseTensors(
  directory: string,
  survey: Survey,
  config: ModelConfig,
  signal: AbortSignal | undefined,
): Promise<{ tensors: TensorSource[]; left: string[] }> {
  const { file, parameters, match } = survey;
  const entries = new Map(file.entries().map((entry) => [entry.name, entry]));
  const shapes = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const isHead = ({ name, dtype }: TensorEntry) =>
    FLOATS.has(dtype) && HEADS.some((head) => name.startsWith(match.prefix + head));
  const twice =
    config.json.tie_word_embeddings === false
      ? []
      : await findTied(survey, familyOf(config).anchor, entries, signal);
  const unused = match.unused.filter((name) => !twice.includes(name));
  // transformers does not expect pretraining heads in a classifier.
  const kept = match.head === "match" ? [] : unused.filter((name) => isHead(entries.get(name)!));
  const read = async (tensor: string) => {
    throwIfAborted(signal);
    const data = await file.read(tensor);
    if (!(await allFinite(data))) throw notFinite(directory, tensor);
    return data;
  };
  const tensors = [
    ...match.load.map(({ parameter, tensor }) => ({
      name: parameter,
      shape: shapes.get(parameter)!,
      read: () => read(tensor),
    })),
    ...kept.map((name) => ({
      name: modernName(name.slice(match.prefix.length)),
      shape: entries.get(name)!.shape,
      read: () => read(name),
    })),
  ];
  return { tensors, left: unused.filter((name) => !kept.includes(name)) };
}

/** Of the bytes that are read: float32 for float16, once more for what is tied, and some more. */
const MOST_TIMES = 8;

/** Tensors can share their data, and a small file stand for any number of them. */
function checkSize(directory: string, { files }: TensorFile, tensors: readonly TensorSource[]): void {
  const held = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const written = tensors.reduce((sum, { shape }) => sum + 4 * countElements(shape), 0);
  if (written <= MOST_TIMES * held) return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}: its tensors share their data: the ${held} bytes of the file would become ${written}; save the model ` +
      "again without the tensors that repeat others",
  );
}

/** Tensors that hold once more what is in the file under the name to which transformers ties theirs. */
async function findTied(
  { file, match }: Survey,
  wordEmbeddings: string,
  entries: ReadonlyMap<string, TensorEntry>,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const words = match.load.find(({ parameter }) => parameter === wordEmbeddings)?.tensor;
  const digests = new Map<string, string>();
  const digest = async (name: string) => {
    const known = digests.get(name) ?? (await digestOf(file, name, signal));
    digests.set(name, known);
    return known;
  };
  const tied: string[] = [];
  for (const name of match.unused) {
    const other = DECODER_WEIGHT.test(name) ? words : name.replace(DECODER_BIAS, "$1bias");
    const [entry, twin] = [entries.get(name)!, entries.get(other ?? name)];
    if (twin === undefined || twin === entry || String(twin.shape) !== String(entry.shape)) continue;
    if (!FLOATS.has(entry.dtype) || !FLOATS.has(twin.dtype)) continue;
    if ((await digest(name)) === (await digest(twin.name))) tied.push(name);
  }
  return tied;
}

/** Of the values, whatever the dtype and the parts in which they are read. */
async function digestOf(file: TensorFile, name: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  for await (const { data, begin, transposed } of file.readParts(name)) {
    throwIfAborted(signal);
    if (transposed && begin === 0) hash.update("transposed");
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/** Layer norms of files that were converted from TensorFlow long ago. */
function modernName(name: string): string {
  return name.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias");
}

/** What transformers calls a model with these heads, without the family in front; the first that fits. */
const ARCHITECTURES: readonly [name: string, tensors: readonly string[]][] = [
  ["ForPreTraining", ["cls.predictions.bias", "cls.seq_relationship.weight"]],
  ["ForPreTraining", ["predictions.bias", "sop_classifier.classifier.weight"]],
  ["ForMaskedLM", ["cls.predictions.bias"]],
  ["ForMaskedLM", ["predictions.bias"]],
  ["ForMaskedLM", ["lm_head.bias"]],
  ["ForMaskedLM", ["vocab_layer_norm.weight"]],
  ["ForPreTraining", ["discriminator_predictions.dense.weight"]],
  ["ForMaskedLM", ["generator_predictions.dense.weight"]],
  ["Model", []],
];

function convertedConfig(
  config: ModelConfig,
  { match, labels }: Survey,
  names: ReadonlySet<string>,
): Record<string, unknown> {
  const { torch_dtype: _dtype, ...json } = config.json;
  const { architecture } = familyOf(config);
  const family = architecture.replace("ForSequenceClassification", "");
  const [other] = ARCHITECTURES.find(([, heads]) => heads.every((name) => names.has(name)))!;
  const made = match.head === "match" ? architecture : family + other;
  const named = "id2label" in json || "num_labels" in json || match.head !== "match";
  return {
    ...json,
    model_type: config.modelType,
    ...(named ? {} : labelMaps(namesOfLabels(config, labels))),
    architectures:
      Array.isArray(json.architectures) && json.architectures.length > 0 ? json.architectures : [made],
    dtype: "float32",
  };
}
