import { basename } from "node:path";
import { allFinite, openingWarnings, readModelSource, surveyWeights } from "./engine/index.ts";
import { throwIfAborted } from "./errors/index.ts";
import { type FinetagJson, namesOfLabels, otherProblem, type WeightMatch } from "./models/index.ts";
import { findTokenizerFiles } from "./tokenizer/index.ts";
import { countElements, type TensorEntry, type TensorFile } from "./weights/index.ts";

/** A tensor of a weight file, and the parameter it is loaded into. */
export interface TensorSummary {
  name: string;
  /** Its name in the file, if the file is from another framework. */
  source?: string;
  dtype: string;
  shape: number[];
  /** The parameter it is loaded into; absent if the model does not use the tensor. */
  parameter?: string;
}

/** The contents of a model directory. */
export interface ModelSummary {
  directory: string;
  family: string;
  layers: number;
  hiddenSize: number;
  attentionHeads: number;
  vocabSize: number;
  /** Number of weights of the model with its head. */
  parameters: number;
  /** Maximum length of a text in tokens. */
  maxLength: number;
  /** Empty for a bare encoder. */
  labels: string[];
  /** `problem_type` of the config: what the head was trained for; absent if the config does not say. */
  problemType?: string;
  /** Whether finetag predicts with it as it is; false for a model of another problem, which needs `multiLabel`. */
  isMultiLabel: boolean;
  /** What should be known about how the files are read, a line each. */
  warnings: string[];
  /** Whether the weights have a head that fits the labels. */
  hasHead: boolean;
  /** The number of labels of the head in the weights, if the config has another number. */
  strangeHead?: number;
  /** Format of the weights, for people: `safetensors`, `PyTorch`, `TensorFlow checkpoint`, with the number of shards. */
  format: string;
  /** Number of tensors per dtype. */
  dtypes: Record<string, number>;
  weightBytes: number;
  tensors: TensorSummary[];
  loadedTensors: number;
  /** The prefix of the loaded tensors' names in the file; absent if they have no prefix. */
  prefix?: string;
  /** Parameters without a tensor; they would be initialised. */
  freshParameters: string[];
  /** Tensors that the model does not use. */
  unusedTensors: string[];
  /** Tensors of the model with NaN or infinite values; with any of them, the model cannot be opened. */
  notFiniteTensors: string[];
  tokenizer: string;
  /** The contents of `finetag.json`; absent for a model that finetag did not train. */
  finetag?: FinetagJson;
}

export interface InspectOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Describes a model directory: config, weights, tokenizer. The weights are read once, a part at a time.
 *
 * @param place The directory, or the path of weights in it, as `resolveModel` returns it.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a model that cannot be opened, `ERR_FINETAG_ABORTED`.
 */
export async function inspectModel(place: string, { signal }: InspectOptions = {}): Promise<ModelSummary> {
  throwIfAborted(signal, place);
  const source = await readModelSource(place);
  const { directory, config, finetag, positions } = source;
  const { native } = config;
  const { file, labels, parameters, match } = await surveyWeights(source);
  try {
    throwIfAborted(signal, directory);
    const entries = file.entries();
    return {
      directory,
      family: config.modelType,
      layers: native.numHiddenLayers,
      hiddenSize: native.hiddenSize,
      attentionHeads: native.numAttentionHeads,
      vocabSize: native.vocabSize,
      parameters: parameters.reduce((sum, { shape }) => sum + countElements(shape), 0),
      maxLength: positions,
      labels: match.head === "match" ? namesOfLabels(config, labels) : [],
      ...(config.json.problem_type == null ? {} : { problemType: String(config.json.problem_type) }),
      isMultiLabel: otherProblem(config) === undefined,
      warnings: openingWarnings(source, match),
      hasHead: match.head === "match",
      ...(typeof match.head === "object" ? { strangeHead: match.head.labels } : {}),
      format: file.format,
      dtypes: countDtypes(entries),
      weightBytes: file.files.reduce((sum, { bytes }) => sum + bytes, 0),
      tensors: describeTensors(entries, match),
      loadedTensors: match.load.length,
      ...(match.prefix === "" ? {} : { prefix: match.prefix }),
      freshParameters: match.fresh,
      unusedTensors: match.unused,
      notFiniteTensors: await findNotFinite(file, match, signal),
      tokenizer: await tokenizerKind(directory),
      ...(finetag === undefined ? {} : { finetag }),
    };
  } finally {
    await file.close();
  }
}

async function findNotFinite(
  file: TensorFile,
  { load }: WeightMatch,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const found: string[] = [];
  for (const { tensor } of load) {
    for await (const { data } of file.readParts(tensor)) {
      throwIfAborted(signal);
      if (await allFinite(data)) continue;
      found.push(tensor);
      break;
    }
  }
  return found;
}

function describeTensors(entries: TensorEntry[], { load }: WeightMatch): TensorSummary[] {
  const parameters = new Map(load.map(({ tensor, parameter }) => [tensor, parameter]));
  return entries.map((entry) => {
    const parameter = parameters.get(entry.name);
    return { ...entry, ...(parameter === undefined ? {} : { parameter }) };
  });
}

function countDtypes(entries: TensorEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { dtype } of entries) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return counts;
}

async function tokenizerKind(directory: string): Promise<string> {
  const { tokenizerJson, wordPiece, byteLevel, sentencePiece } = await findTokenizerFiles(directory);
  if (tokenizerJson !== undefined) return "tokenizer.json";
  if (wordPiece !== undefined) return `${basename(wordPiece)} (WordPiece)`;
  if (byteLevel || sentencePiece === undefined) return "vocab.json and merges.txt (byte-level BPE)";
  return `${basename(sentencePiece)} (SentencePiece)`;
}
