import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { openWeights, type TensorEntry } from "./checkpoint/index.ts";
import { ModelSession, openAddon, readModelSource } from "./engine/index.ts";
import { type FinetagJson, matchWeights } from "./models/index.ts";
import { findTokenizerFiles } from "./tokenizer/index.ts";

/** What lies in a model directory. */
export interface ModelSummary {
  directory: string;
  family: string;
  layers: number;
  hiddenSize: number;
  attentionHeads: number;
  vocabSize: number;
  /** Weights of the model with its head. */
  parameters: number;
  /** Longest text in tokens. */
  maxLength: number;
  /** Empty for a bare encoder. */
  labels: string[];
  /** Whether the weights have a head that fits the labels. */
  hasHead: boolean;
  /** Tensors of each dtype. */
  dtypes: Record<string, number>;
  weightBytes: number;
  loadedTensors: number;
  /** Parameters without a tensor; they would be initialised. */
  freshParameters: string[];
  /** Tensors that the model has no place for. */
  unusedTensors: string[];
  tokenizer: string;
  /** What finetag wrote; absent for a model of others. */
  finetag?: FinetagJson;
}

/**
 * Describes a model directory: config, weights by their headers, tokenizer. Loads no weights.
 *
 * @throws FinetagError `ERR_FINETAG_MODEL` for what would also keep it from being opened.
 */
export async function inspectModel(directory: string): Promise<ModelSummary> {
  const { config, finetag, positions } = await readModelSource(directory);
  const addon = await openAddon();
  const weights = await openWeights(directory);
  // Shapes only: no memory is taken, whatever the model's size.
  const native = { ...config.native, numLabels: Math.max(config.native.numLabels, 1) };
  const session = await ModelSession.create(addon, {
    config: native,
    device: "meta",
    threads: 1,
    seed: 0,
    precision: "float32",
  }).catch(async (error) => {
    await weights.close();
    throw error;
  });
  try {
    const entries = weights.entries();
    const parameters = session.parameters();
    const match = matchWeights(config, parameters, entries);
    return {
      directory,
      family: config.modelType,
      layers: native.numHiddenLayers,
      hiddenSize: native.hiddenSize,
      attentionHeads: native.numAttentionHeads,
      vocabSize: native.vocabSize,
      parameters: parameters.reduce((sum, { shape }) => sum + elements(shape), 0),
      maxLength: positions,
      labels: match.head === "match" ? labelNames(config.labels, native.numLabels) : [],
      hasHead: match.head === "match",
      dtypes: countDtypes(entries),
      weightBytes: await weightBytes(directory),
      loadedTensors: match.load.length,
      freshParameters: match.fresh,
      unusedTensors: match.unused,
      tokenizer: await tokenizerKind(directory),
      ...(finetag === undefined ? {} : { finetag }),
    };
  } finally {
    await session.dispose();
    await weights.close();
  }
}

function labelNames(names: string[] | undefined, count: number): string[] {
  return names ?? Array.from({ length: count }, (_, i) => `LABEL_${i}`);
}

function elements(shape: number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function countDtypes(entries: TensorEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { dtype } of entries) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return counts;
}

async function weightBytes(directory: string): Promise<number> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".safetensors"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function tokenizerKind(directory: string): Promise<string> {
  const { tokenizerJson, wordPiece, byteLevel, sentencePiece } = await findTokenizerFiles(directory);
  if (tokenizerJson !== undefined) return "tokenizer.json";
  if (wordPiece !== undefined) return `${basename(wordPiece)} (WordPiece)`;
  if (byteLevel || sentencePiece === undefined) return "vocab.json and merges.txt (byte-level BPE)";
  return `${basename(sentencePiece)} (SentencePiece)`;
}
