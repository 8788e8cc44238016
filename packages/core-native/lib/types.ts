/**
 * The whole native surface, one type for each thing that crosses the boundary.
 *
 * Shape letters: B texts, T tokens of all texts together, L labels.
 */

/** A batch of B texts laid end to end, without padding. Copied before a call returns. */
export interface PackedBatch {
  /** Token ids, `[T]`. */
  ids: Int32Array;
  /** Token types (0 first text, 1 second text of a pair), `[T]`. */
  tokenTypes: Int32Array;
  /** Where each text starts, and T at the end: `[B + 1]`, strictly rising from 0. */
  cuSeqlens: Int32Array;
  /** 0 or 1 for each text and label, row-major `[B, L]`; needed for a loss. */
  labels?: Float32Array;
  /**
   * 1 where the label is known, 0 where it is missing, `[B, L]`; all are known if absent. A missing label adds nothing
   * to the loss, to a gradient or to the count of terms, whatever `labels` holds for it (which must still be 0 or 1).
   */
  labelMask?: Float32Array;
}

export type ModelFamily = "bert" | "roberta" | "albert" | "distilbert" | "electra" | "ernie";
/** `int8`: the products of the encoder's linear layers, on the CPU; it is for `forward` only. */
export type Precision = "float32" | "bf16" | "int8";
export type Schedule = "linear" | "cosine" | "constant";

/** Hugging Face's `config.json`, as far as the engine needs it. */
export interface NativeModelConfig {
  family: ModelFamily;
  vocabSize: number;
  hiddenSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  intermediateSize: number;
  hiddenAct: "gelu" | "gelu_new" | "relu" | "silu";
  maxPositionEmbeddings: number;
  /** 0: the family has no token types, and those of a batch are not read. */
  typeVocabSize: number;
  /** ERNIE: rows of the table of task types, of which the first is used; none unless given. */
  taskTypeVocabSize?: number;
  /** Width of the embeddings; `hiddenSize` unless given. */
  embeddingSize?: number;
  /** ALBERT: how many sets of weights the layers share, and layers in each; 1 unless given. */
  numHiddenGroups?: number;
  innerGroupNum?: number;
  layerNormEps: number;
  padTokenId: number;
  hiddenDropoutProb: number;
  attentionProbsDropoutProb: number;
  classifierDropout: number;
  initializerRange: number;
  numLabels: number;
}

/**
 * A loss and its own parameters. A parameter is a number, or an array of numbers with one for each label. The engine
 * knows the types and their parameters, and refuses others.
 * `bce_with_logits` is binary cross-entropy of every label's sigmoid, as `torch.nn.BCEWithLogitsLoss` has it.
 */
export type LossConfig = { type: "bce_with_logits" };

export interface SessionOptions {
  config: NativeModelConfig;
  /** `cpu`, `cuda` or `cuda:n`. `meta` (shapes only) is for tests. */
  device: string;
  /** Intra-op threads of this session; at least 1. */
  threads: number;
  /** Seeds new weights and dropout; an unsigned 32-bit integer. */
  seed: number;
  precision: Precision;
  /** The loss that training, `backward` and `forward` with labels use; `bce_with_logits` unless given. */
  loss?: LossConfig;
}

export interface TrainingOptions {
  /** Peak learning rate. */
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled decay of every weight but biases and layer norms (Loshchilov & Hutter 2019). */
  weightDecay: number;
  /** Gradients are scaled down to this L2 norm; 0 turns clipping off. */
  maxGradNorm: number;
  schedule: Schedule;
  warmupSteps: number;
  /** Optimizer steps of the whole run; the schedule ends there. */
  totalSteps: number;
}

export interface StepResult {
  /** Mean loss of the step: the sum of its terms over their count, each over all micro-batches. */
  loss: number;
  /** L2 norm of all gradients before clipping. */
  gradNorm: number;
  /** The rate this step was taken with. */
  learningRate: number;
  /** Optimizer steps taken so far, this one included. A step whose loss or gradient norm is not finite is
   * not taken: weights and this count stay as they were. */
  step: number;
}

export interface ForwardResult {
  /** `[B, L]`, before the sigmoid. */
  logits: Float32Array;
  /**
   * Sum of the batch's loss terms, without those of missing labels; absent without labels. The mean loss of several
   * batches is the sum of their `lossSum` over the sum of their `lossCount`, not the mean of their means.
   */
  lossSum?: number;
  /**
   * What the mean loss of the batch divides by; absent without labels. Of `bce_with_logits`, the number of labels that
   * are known: `B * L` without a mask, 0 where the mask leaves none (and `lossSum` is then 0).
   */
  lossCount?: number;
}

/** What a parameter carries. `grad` is left from the last `backward`; `trainStep` clears it. */
export type TensorKind = "weight" | "grad" | "exp_avg" | "exp_avg_sq";

export interface ParameterInfo {
  /** Hugging Face's state-dict name. */
  name: string;
  shape: number[];
  /** False for biases and layer norms. */
  decays: boolean;
}

/**
 * One model on one device with one native thread, on which all its work happens in call order.
 * Every method rejects with a {@link NativeErrorCode} in `code`.
 */
export interface NativeSession {
  /** All parameters, in a fixed order; Hugging Face's names. */
  parameters(): ParameterInfo[];
  /** Fills the named weights with N(0, initializerRange), zeros (biases) or ones (norm weights). */
  initialize(names: string[]): Promise<void>;
  /** In int8, the weights that the first `forward` packs can be neither read nor written after it. */
  readTensor(kind: TensorKind, name: string): Promise<Float32Array>;
  /**
   * Fills `target` with the elements from `begin` on, where it lies: nobody may look at or transfer it before the
   * promise is settled (docs/adr/0010).
   *
   * @returns whether all of them are finite
   */
  readPart(kind: TensorKind, name: string, begin: number, target: Float32Array): Promise<boolean>;
  /**
   * Reads `data` where they lie: nobody may change or transfer them before the promise is settled (docs/adr/0010).
   *
   * @param begin where `data` are a part: the elements before it; the parts of a weight come in their order
   * @param transposed `data` are whole rows of the matrix's transpose, and `begin` counts in its order
   * @returns whether all of `data` is finite; it is written in either case
   */
  writeTensor(
    kind: Exclude<TensorKind, "grad">,
    name: string,
    data: Float32Array,
    begin?: number,
    transposed?: boolean,
  ): Promise<boolean>;
  /**
   * Sets the loss that training, `backward` and `forward` with labels use from the next call on. The optimizer and its
   * state stay as they are.
   */
  setLoss(loss: LossConfig): Promise<void>;
  /** Creates the optimizer. Without it only `forward` and `backward` work. */
  configureTraining(options: TrainingOptions): Promise<void>;
  /** One optimizer step over micro-batches, each loss term weighing the same whatever batch it is in. */
  trainStep(microBatches: PackedBatch[]): Promise<StepResult>;
  /** Loss and gradients of one batch, with dropout as in training, no update; for tests and tools. */
  backward(batch: PackedBatch): Promise<{ loss: number }>;
  forward(batch: PackedBatch): Promise<ForwardResult>;
  /** Optimizer steps taken; set it when resuming. Keys dropout and the schedule. */
  getStep(): number;
  setStep(step: number): Promise<void>;
  /** Bytes of weights, gradients and moments. */
  nativeBytes(): number;
  /** Finishes the call under way, drops those that wait, frees everything. May be called again. */
  dispose(): Promise<void>;
}

export type NativeErrorCode =
  | "ERR_FINETAG_ARGUMENT"
  | "ERR_FINETAG_DEVICE"
  | "ERR_FINETAG_DISPOSED"
  | "ERR_FINETAG_OUT_OF_MEMORY"
  | "ERR_FINETAG_NATIVE";

export interface NativeInfo {
  /** e.g. `2.13.0`. */
  libtorch: string;
  /** `cpu` or `cuda`: for what libtorch was built. */
  variant: string;
  cudaDevices: string[];
  /** Instruction set ATen runs, e.g. `AVX2`. */
  cpuCapability: string;
  /** Instruction set of finetag's own kernels: `avx512`, `avx2` or `baseline`. */
  kernels: string;
  /** bf16 instructions: `cpu`, and each CUDA device that has them. */
  bf16Devices: string[];
  /** Default number of intra-op threads. */
  threads: number;
  parallelBackend: string;
}

export interface NativeAddon {
  info(): NativeInfo;
  createSession(options: SessionOptions): Promise<NativeSession>;
}
