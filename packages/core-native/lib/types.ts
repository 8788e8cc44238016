/**
 * The complete interface of the native addon: a type for everything that crosses the boundary.
 *
 * Shape letters: B texts, T tokens of all texts together, L labels.
 */

/** A batch of B texts, concatenated without padding. Copied before a call returns. */
export interface PackedBatch {
  /** Token ids, `[T]`. */
  ids: Int32Array;
  /** Token types (0 first text, 1 second text of a pair), `[T]`. */
  tokenTypes: Int32Array;
  /** Where each text starts, and T at the end: `[B + 1]`, strictly increasing from 0. */
  cuSeqlens: Int32Array;
  /** A target in [0, 1] for each text and label (most often 0 or 1), row-major `[B, L]`; needed for a loss. */
  labels?: Float32Array;
  /**
   * 1 where the label is known, 0 where it is missing, `[B, L]`; all are known if absent. A missing label adds nothing
   * to the loss, to a gradient or to the count of terms, whatever its value in `labels` is (which must still be in [0, 1]).
   */
  labelMask?: Float32Array;
}

export type ModelFamily = "bert" | "roberta" | "albert" | "distilbert" | "electra" | "ernie";
/** `int8`: the matrix products of the encoder's linear layers, on the CPU; for `forward` only. */
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
  /** 0 if the family has no token types; a batch's token types are then ignored. */
  typeVocabSize: number;
  /** ERNIE: rows of the table of task types, of which the first is used. Default: no table. */
  taskTypeVocabSize?: number;
  /** Width of the embeddings. Default: `hiddenSize`. */
  embeddingSize?: number;
  /** ALBERT: number of weight sets that the layers share, and layers in each. Default: 1. */
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
 * A loss and its parameters. A parameter is a number, or an array with one number per label. The engine refuses unknown
 * types and parameters.
 * `bce_with_logits` is the binary cross-entropy of each label's sigmoid, as in `torch.nn.BCEWithLogitsLoss`.
 */
export type LossConfig = { type: "bce_with_logits" };

export interface SessionOptions {
  config: NativeModelConfig;
  /** `cpu`, `cuda` or `cuda:n`. `meta` (shapes only) is for tests. */
  device: string;
  /** Intra-op threads of this session; at least 1. */
  threads: number;
  /**
   * Cores that all sessions of the process share; absent: those of its affinity mask. A session that asks for more
   * than an earlier one changes nothing.
   */
  cores?: number;
  /** Seed of new weights and dropout; an unsigned 32-bit integer. */
  seed: number;
  precision: Precision;
  /** The loss that training, `backward` and `forward` with labels use; default: `bce_with_logits`. */
  loss?: LossConfig;
}

export interface TrainingOptions {
  /** Peak learning rate. */
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled weight decay of everything except biases and layer norms (Loshchilov & Hutter 2019). */
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
  /** The learning rate of this step. */
  learningRate: number;
  /** Optimizer steps taken so far, including this one. A step whose loss or gradient norm is not finite is not taken:
   * weights and this count stay unchanged. */
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
   * The divisor of the batch's mean loss; absent without labels. For `bce_with_logits`, the number of known labels:
   * `B * L` without a mask, 0 if the mask leaves none (`lossSum` is then 0 too).
   */
  lossCount?: number;
}

/** The tensors of a parameter. `grad` remains from the last `backward`; `trainStep` clears it. */
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
  /** All parameters in a fixed order, under Hugging Face's names. */
  parameters(): ParameterInfo[];
  /** Fills the named weights with N(0, initializerRange), zeros (biases) or ones (norm weights). */
  initialize(names: string[]): Promise<void>;
  /** In int8, the first `forward` packs weights; those can be neither read nor written afterwards. */
  readTensor(kind: TensorKind, name: string): Promise<Float32Array>;
  /**
   * Fills `target` with the elements from `begin` on, in place: do not read or transfer it before the promise is settled
   * (docs/adr/0010).
   *
   * @returns whether all of them are finite
   */
  readPart(kind: TensorKind, name: string, begin: number, target: Float32Array): Promise<boolean>;
  /**
   * Reads `data` in place: do not change or transfer it before the promise is settled (docs/adr/0010).
   *
   * @param begin if `data` is a part: the number of elements before it; write the parts of a weight in order
   * @param transposed `data` has whole rows of the matrix's transpose, and `begin` counts in the transpose's order
   * @returns whether all of `data` is finite; it is written either way
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
  /** One optimizer step over micro-batches. Each loss term has the same weight, whatever batch it is in. */
  trainStep(microBatches: PackedBatch[]): Promise<StepResult>;
  /** Loss and gradients of one batch, with dropout as in training, no update; for tests and tools. */
  backward(batch: PackedBatch): Promise<{ loss: number }>;
  forward(batch: PackedBatch): Promise<ForwardResult>;
  /** Optimizer steps taken; set it when resuming. Keys dropout and the schedule. */
  getStep(): number;
  setStep(step: number): Promise<void>;
  /** Bytes of weights, gradients and moments. */
  nativeBytes(): number;
  /** Finishes the running call, drops those that wait, and frees everything. May be called again. */
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
  /** `cpu` or `cuda`: what libtorch was built for. */
  variant: string;
  cudaDevices: string[];
  /** Instruction set that ATen uses, e.g. `AVX2`. */
  cpuCapability: string;
  /** Instruction set of finetag's own kernels: `avx512`, `avx2` or `baseline`. */
  kernels: string;
  /** Devices with bf16 instructions: `cpu` and CUDA devices. */
  bf16Devices: string[];
  /** Default number of intra-op threads: OMP_NUM_THREADS, else the cores that the process may run on, less where a CPU quota allows less. */
  threads: number;
  parallelBackend: string;
}

export interface NativeAddon {
  info(): NativeInfo;
  createSession(options: SessionOptions): Promise<NativeSession>;
}
