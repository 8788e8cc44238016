import type {
  ForwardResult,
  LossConfig,
  NativeAddon,
  NativeSession,
  PackedBatch,
  ParameterInfo,
  SessionOptions,
  StepResult,
  TensorKind,
  TrainingOptions,
} from "@finetag/core-native";
import { FinetagError } from "../errors/index.ts";
import { mapNativeError } from "./errors.ts";

/**
 * A {@link NativeSession} whose errors are {@link FinetagError}s.
 * It owns the native thread and memory until {@link dispose}.
 */
export class ModelSession implements NativeSession {
  readonly #native: NativeSession;
  #disposal: Promise<void> | undefined;

  private constructor(native: NativeSession) {
    this.#native = native;
  }

  static async create(addon: NativeAddon, options: SessionOptions): Promise<ModelSession> {
    try {
      return new ModelSession(await addon.createSession(options));
    } catch (error) {
      throw mapNativeError(error, `cannot open the model on device ${options.device}`);
    }
  }

  parameters(): ParameterInfo[] {
    this.#open();
    return this.#native.parameters();
  }

  initialize(names: string[]): Promise<void> {
    return this.#call("cannot initialise new weights", () => this.#native.initialize(names));
  }

  readTensor(kind: TensorKind, name: string): Promise<Float32Array> {
    return this.#call(`cannot read ${kind} of ${name}`, () => this.#native.readTensor(kind, name));
  }

  /** As {@link NativeSession.readPart}. */
  readPart(kind: TensorKind, name: string, begin: number, target: Float32Array): Promise<boolean> {
    return this.#call(`cannot read ${kind} of ${name}`, () =>
      this.#native.readPart(kind, name, begin, target),
    );
  }

  /** As {@link NativeSession.writeTensor}. */
  writeTensor(
    kind: Exclude<TensorKind, "grad">,
    name: string,
    data: Float32Array,
    begin?: number,
    transposed?: boolean,
  ): Promise<boolean> {
    const write = () => this.#native.writeTensor(kind, name, data, begin, transposed);
    return this.#call(`cannot write ${kind} of ${name}`, write);
  }

  /** As {@link NativeSession.setLoss}. */
  setLoss(loss: LossConfig): Promise<void> {
    return this.#call("cannot set the loss", () => this.#native.setLoss(loss));
  }

  configureTraining(options: TrainingOptions): Promise<void> {
    return this.#call("cannot set up the optimizer", () => this.#native.configureTraining(options));
  }

  trainStep(microBatches: PackedBatch[]): Promise<StepResult> {
    return this.#call("training step failed", () => this.#native.trainStep(microBatches));
  }

  backward(batch: PackedBatch): Promise<{ loss: number }> {
    return this.#call("backward pass failed", () => this.#native.backward(batch));
  }

  forward(batch: PackedBatch): Promise<ForwardResult> {
    return this.#call("forward pass failed", () => this.#native.forward(batch));
  }

  getStep(): number {
    this.#open();
    return this.#native.getStep();
  }

  setStep(step: number): Promise<void> {
    return this.#call("cannot set the step", () => this.#native.setStep(step));
  }

  nativeBytes(): number {
    return this.#disposal === undefined ? this.#native.nativeBytes() : 0;
  }

  /** Finishes the running call, drops those that wait, and frees everything. May be called again. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#native.dispose();
    return this.#disposal;
  }

  #open(): void {
    if (this.#disposal !== undefined) throw disposedError();
  }

  async #call<T>(doing: string, work: () => Promise<T>): Promise<T> {
    this.#open();
    try {
      return await work();
    } catch (error) {
      throw mapNativeError(error, doing);
    }
  }
}

/** The error for any use of a disposed model. */
export function disposedError(): FinetagError {
  return new FinetagError("ERR_FINETAG_DISPOSED", "this model was disposed; open it again");
}
