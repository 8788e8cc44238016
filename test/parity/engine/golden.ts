/** Reads the golden values of one model. Shapes and names: ../README.md. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NativeModelConfig, PackedBatch, TrainingOptions } from "@finetag/core-native";
import { parseModelConfig } from "../../../packages/ts-api/src/models/config.ts";

export interface PeerError {
  /** Largest |float32 - float64| of any element in any of the peer's float32 runs. */
  max_abs: number;
  /** The same relative to the largest magnitude of the float64 values. */
  relative: number;
}

export interface GoldenScalar<T> {
  reference: T;
  transformers: T;
  peer_error: PeerError;
}

export interface GoldenCase {
  /** Changes to config.json. */
  config: Record<string, unknown>;
  loss: GoldenScalar<number>;
  peer_error: Record<string, PeerError>;
}

export interface GoldenRun {
  options: GoldenOptions;
  batches: string[];
  learning_rates: number[];
  losses: GoldenScalar<number[]>;
  grad_norms: GoldenScalar<number[]>;
  peer_error: Record<string, PeerError>;
}

export interface GoldenOptions {
  learning_rate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weight_decay: number;
  max_grad_norm: number;
  schedule: TrainingOptions["schedule"];
  warmup_steps: number;
  total_steps: number;
}

interface GoldenDocument {
  decays: string[];
  cases: Record<string, GoldenCase>;
  training: Record<string, GoldenRun>;
}

/** Whether transformers drops anything where only one place of dropout reaches the logits. */
export interface DropoutPlace {
  /** Changes to config.json. */
  config: Record<string, unknown>;
  /** Parameters that are 0, so that no other place reaches them. */
  zeroed: string[];
  drops: boolean;
}

interface Schedules {
  schedules: { options: GoldenOptions; learning_rates: number[] }[];
}

const directory = fileURLToPath(new URL("golden/", import.meta.url));

const readJson = (path: string): unknown => JSON.parse(readFileSync(`${directory}${path}`, "utf8"));

export type Tensors = Map<string, { shape: number[]; data: Float32Array | Int32Array }>;

/** A safetensors file of F32 and I32: u64 length of a JSON header, the header, the data. */
export function readTensors(path: string): Tensors {
  const bytes = readFileSync(`${directory}${path}`);
  const headerEnd = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, headerEnd)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors: Tensors = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = data_offsets;
    const copy = new Uint8Array(bytes.subarray(headerEnd + begin, headerEnd + end)).buffer;
    if (dtype !== "F32" && dtype !== "I32") throw new Error(`${path}: ${name} is ${dtype}`);
    tensors.set(name, { shape, data: dtype === "F32" ? new Float32Array(copy) : new Int32Array(copy) });
  }
  return tensors;
}

export class Golden {
  readonly name: string;
  readonly document: GoldenDocument;
  readonly weights: Tensors;
  readonly values: Tensors;
  readonly #config: Record<string, unknown>;
  readonly #batches: Tensors;

  constructor(name: string) {
    this.name = name;
    this.document = readJson(`${name}/golden.json`) as GoldenDocument;
    this.weights = readTensors(`${name}/model.safetensors`);
    this.values = readTensors(`${name}/golden.safetensors`);
    this.#config = readJson(`${name}/config.json`) as Record<string, unknown>;
    this.#batches = readTensors(`${name}/batches.safetensors`);
  }

  /** The native configuration, with a case's changes. */
  config(changes: Record<string, unknown> = {}): NativeModelConfig {
    return parseModelConfig({ ...this.#config, ...changes }, `${this.name}/config.json`).native;
  }

  batch(name: string): PackedBatch {
    const mask = this.#batches.get(`${name}/label_mask`)?.data as Float32Array | undefined;
    const array = <T>(key: string): T => {
      const tensor = this.#batches.get(`${name}/${key}`);
      if (!tensor) throw new Error(`${this.name}/batches.safetensors: no ${name}/${key}`);
      return tensor.data as T;
    };
    return {
      ids: array<Int32Array>("ids"),
      tokenTypes: array<Int32Array>("token_types"),
      cuSeqlens: array<Int32Array>("cu_seqlens"),
      labels: array<Float32Array>("labels"),
      ...(mask ? { labelMask: mask } : {}),
    };
  }

  /** A stored value, e.g. `reference` of `grad/classifier.bias` in the case `eval`. */
  value(owner: string, source: "reference" | "transformers", name: string): Float32Array | undefined {
    return this.values.get(`${owner}/${source}/${name}`)?.data as Float32Array | undefined;
  }
}

export const readSchedules = (): Schedules["schedules"] =>
  (readJson("schedules.json") as Schedules).schedules;

const dropout = readJson("dropout.json") as { models: Record<string, Record<string, DropoutPlace>> };

/** All models, in the generator's order. */
export const MODEL_NAMES = Object.keys(dropout.models);

export const readDropout = (model: string): Record<string, DropoutPlace> => dropout.models[model]!;

export function nativeOptions(options: GoldenOptions): TrainingOptions {
  return {
    learningRate: options.learning_rate,
    beta1: options.beta1,
    beta2: options.beta2,
    epsilon: options.epsilon,
    weightDecay: options.weight_decay,
    maxGradNorm: options.max_grad_norm,
    schedule: options.schedule,
    warmupSteps: options.warmup_steps,
    totalSteps: options.total_steps,
  };
}

/** The batch that holds only these rows, in this order. */
export function selectRows(batch: PackedBatch, rows: number[]): PackedBatch {
  const labels = batch.labels ? batch.labels.length / (batch.cuSeqlens.length - 1) : 0;
  const span = (row: number): [number, number] => [batch.cuSeqlens[row]!, batch.cuSeqlens[row + 1]!];
  const tokens = (array: Int32Array) =>
    Int32Array.from(rows.flatMap((row) => Array.from(array.subarray(...span(row)))));
  const perLabel = (array: Float32Array) =>
    Float32Array.from(rows.flatMap((row) => Array.from(array.subarray(row * labels, (row + 1) * labels))));
  let end = 0;
  const ends = rows.map((row) => {
    const [from, to] = span(row);
    end += to - from;
    return end;
  });
  return {
    ids: tokens(batch.ids),
    tokenTypes: tokens(batch.tokenTypes),
    cuSeqlens: Int32Array.from([0, ...ends]),
    ...(batch.labels ? { labels: perLabel(batch.labels) } : {}),
    ...(batch.labelMask ? { labelMask: perLabel(batch.labelMask) } : {}),
  };
}
