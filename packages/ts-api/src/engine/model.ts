import type { NativeAddon, NativeModelConfig, ParameterInfo, Precision } from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import {
  assertVocabulary,
  type FinetagJson,
  type ModelConfig,
  matchWeights,
  maxTextLength,
  readFinetagJson,
  readModelConfig,
  type WeightMatch,
} from "../models/index.ts";
import { loadTokenizer, readTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { directoryOf, openWeights, type TensorFile } from "../weights/index.ts";
import { openAddon } from "./addon.ts";
import { chooseDevice } from "./device.ts";
import { freshParameters, ownHeadNotice, untrained } from "./head.ts";
import { ModelSession } from "./session.ts";
import { parametersOf } from "./survey.ts";

/** Everything about a model directory that can be read without the engine. */
export interface ModelSource {
  directory: string;
  /** Where the weights are: the directory, or the path of those that were asked for. */
  weights: string;
  config: ModelConfig;
  tokenizer: Tokenizer;
  /** The contents of finetag.json; absent in directories that finetag did not write. */
  finetag: FinetagJson | undefined;
  /** Maximum length of a text in tokens that the position embeddings allow. */
  positions: number;
}

/**
 * Reads config, tokenizer and finetag.json of a directory.
 *
 * @param place The directory, or the path of weights in it, as `resolveModel` returns it.
 * @param tokenizes False if there may be nothing to tokenize: the tokenizer is then created with the first text.
 */
export async function readModelSource(place: string, tokenizes = true): Promise<ModelSource> {
  const directory = await directoryOf(place);
  const config = await readModelConfig(directory);
  const [tokenizer, finetag] = await Promise.all([
    tokenizes ? loadTokenizer(directory, config) : readTokenizer(directory, config),
    readFinetagJson(directory),
  ]);
  assertVocabulary(tokenizer, config);
  if (finetag?.thresholds !== undefined && config.labels !== undefined) {
    checkThresholds(directory, finetag.thresholds, config.labels);
  }
  return { directory, weights: place, config, tokenizer, finetag, positions: maxTextLength(config) };
}

/** Thresholds are edited by hand; one for an unknown label would otherwise be silently ignored. */
function checkThresholds(
  directory: string,
  thresholds: Record<string, number>,
  labels: readonly string[],
): void {
  const unknown = Object.keys(thresholds).find((name) => !labels.includes(name));
  if (unknown === undefined) return;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}/finetag.json: "thresholds" has ${JSON.stringify(unknown)}, which is not a label of the model; correct the name, or remove it`,
  );
}

/** @throws FinetagError `ERR_FINETAG_ARGUMENT` for a length that is no count of tokens, or exceeds the model's positions. */
export function checkMaxLength(maxLength: number, source: ModelSource): number {
  if (!(Number.isInteger(maxLength) && maxLength > 0)) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `\`maxLength: ${maxLength}\` is not a number of tokens; give a whole number of at least 1`,
      { option: "maxLength" },
    );
  }
  if (maxLength <= source.positions) return maxLength;
  throw new FinetagError(
    "ERR_FINETAG_ARGUMENT",
    `\`maxLength: ${maxLength}\` is more than the ${source.positions} positions of ${source.directory}; use at most ${source.positions}`,
    { option: "maxLength" },
  );
}

/** Options for opening a model; defaults suit this machine. */
export interface OpenModelOptions {
  labels: readonly string[];
  /** Replace the head, whether or not there is one. */
  newHead?: boolean;
  device?: string;
  threads?: number;
  seed?: number;
  precision?: Precision;
  /** Dropout rate in place of all those in the config. */
  dropout?: number;
  /** Do not load weights; the caller writes them. */
  skipWeights?: boolean;
}

/** A model with its native session. The caller that opened it disposes of the session. */
export interface OpenModel {
  source: ModelSource;
  session: ModelSession;
  labels: string[];
  native: NativeModelConfig;
  parameters: ParameterInfo[];
  device: string;
  threads: number;
  libtorch: string;
  /** Format of the weights, for people: `safetensors`, `TensorFlow checkpoint`, … */
  weights: string;
  /** Number of loaded tensors. */
  loadedTensors: number;
  /** Parameters that were initialised, not loaded. */
  freshParameters: string[];
  /** Tensors of the file that the model does not use. */
  unusedTensors: string[];
  /** What should be known about how the files were read, a line each. */
  warnings: string[];
  /** Why predictions would be random before it is trained; undefined for a model whose weights are complete. */
  untrained: FinetagError | undefined;
}

/**
 * Creates the session and fills it, a part of a tensor at a time, in the order of the file; on an error the session is
 * disposed of. The weights are checked against the model beforehand, so a wrong config costs no memory.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions): Promise<OpenModel> {
  const addon: NativeAddon = await openAddon();
  const info = addon.info();
  const precision = options.precision ?? "float32";
  const device = chooseDevice(options.device ?? "auto", info, precision);
  const threads = options.threads ?? info.threads;
  const native = withDropout({ ...source.config.native, numLabels: options.labels.length }, options.dropout);
  const weights = await openWeights(source.weights);
  try {
    const parameters = await parametersOf(native, threads);
    const match = matchWeights(source.config, parameters, weights.entries());
    const fresh = freshParameters(source, match, parameters, options);
    const load = match.load.filter(({ parameter }) => !fresh.has(parameter));
    const read = new Set(load.map(({ tensor }) => tensor));
    const seed = options.seed ?? 42;
    const session = await ModelSession.create(addon, { config: native, device, threads, seed, precision });
    try {
      if (options.skipWeights !== true) await fill(source, session, weights, load, fresh);
      return {
        source,
        session,
        labels: [...options.labels],
        native,
        parameters,
        device,
        threads,
        libtorch: info.libtorch,
        weights: weights.format,
        loadedTensors: load.length,
        freshParameters: parameters.map(({ name }) => name).filter((name) => fresh.has(name)),
        unusedTensors: weights
          .entries()
          .map(({ name }) => name)
          .filter((name) => !read.has(name)),
        warnings: openingWarnings(source, options.newHead === true ? undefined : match),
        untrained: fresh.size === 0 ? undefined : untrained(source, match, parameters),
      };
    } catch (error) {
      await session.dispose();
      throw error;
    }
  } finally {
    await weights.close();
  }
}

/** @param match Absent where the head is replaced. */
export function openingWarnings(source: ModelSource, match: WeightMatch | undefined): string[] {
  const own = match && ownHeadNotice(source.directory, match);
  return [...source.tokenizer.warnings, ...(own === undefined ? [] : [own])];
}

/** The checksum of one part is computed while the session writes the other, and both are read ahead. */
const TENSORS_AT_ONCE = 2;

async function fill(
  { directory }: ModelSource,
  session: ModelSession,
  weights: TensorFile,
  load: WeightMatch["load"],
  fresh: ReadonlySet<string>,
): Promise<void> {
  const place = new Map(weights.entries().map(({ name }, i) => [name, i]));
  const waiting = load.toSorted((a, b) => place.get(a.tensor)! - place.get(b.tensor)!);
  const fillSome = async () => {
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        for await (const { data, begin, transposed } of weights.readParts(next.tensor)) {
          const finite = await session.writeTensor("weight", next.parameter, data, begin, transposed);
          if (!finite) throw notFinite(directory, next.tensor);
        }
      }
    } catch (error) {
      waiting.length = 0; // the others end as well
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: TENSORS_AT_ONCE }, fillSome));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  if (fresh.size > 0) await session.initialize([...fresh]);
}

/** With such a weight a model cannot predict, and training ends at the first step. */
export function notFinite(directory: string, tensor: string): FinetagError {
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}: tensor "${tensor}" of the weights has NaN or infinite values: the training that saved it diverged, ` +
      "or the file is damaged; use an earlier checkpoint, or fetch the model again",
  );
}

function withDropout(config: NativeModelConfig, dropout: number | undefined): NativeModelConfig {
  if (dropout === undefined) return config;
  return {
    ...config,
    hiddenDropoutProb: dropout,
    attentionProbsDropoutProb: dropout,
    classifierDropout: dropout,
  };
}
