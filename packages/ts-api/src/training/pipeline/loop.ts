import { existsSync } from "node:fs";
import type { StepResult } from "@finetag/core-native";
import { evaluateWindows, evaluationWindows, type OpenModel, type Split } from "../../engine/index.ts";
import { FinetagError, isAborted, throwIfAborted } from "../../errors/index.ts";
import { assignsNothing, isBetter, type SplitMetrics, selectMetric } from "../../metrics/index.ts";
import { type OptionsUsedBy, secondsOf } from "../../options/index.ts";
import type { TrainEvent } from "../../report/index.ts";
import { BatchStream, isDue, locateStep, type StepBatches, type StepPlan } from "../data/index.ts";
import type { CheckpointRef, Progress, RunStorage } from "../storage/index.ts";
import { Speed } from "./speed.ts";

/** Without `saveEvery`, checkpoints are written only at the end. */
export type LoopOptions = Omit<OptionsUsedBy<"loop">, "saveEvery"> &
  Partial<Pick<OptionsUsedBy<"loop">, "saveEvery">>;

export interface LoopInput {
  model: OpenModel;
  train: Split;
  dev: Split | undefined;
  plan: StepPlan;
  options: LoopOptions;
  storage: RunStorage;
  /** As in RunContext, with its default. */
  queueSteps?: boolean | undefined;
  /** Updated in place during the run. */
  state: Progress;
  /** The checkpoint that `state` was read from. */
  checkpoint: CheckpointRef | undefined;
  signal: AbortSignal | undefined;
}

interface RunningStep {
  result: Promise<StepResult>;
  rows: number;
  tokens: number;
  /** Milliseconds, as returned by performance.now(). */
  started: number;
}

/**
 * Trains from `state.step` to the end of the plan. Between two steps the order is fixed: evaluate, save the best model,
 * stop or write a checkpoint. So a run that is resumed from a checkpoint does the same as an uninterrupted one.
 *
 * @returns `aborted` after the signal, else `finished`; in both cases there is a checkpoint of the last step.
 * @throws FinetagError `ERR_FINETAG_DIVERGED` if loss or gradients are not finite; nothing is saved then.
 */
export async function* trainLoop(input: LoopInput): AsyncGenerator<TrainEvent, "finished" | "aborted"> {
  return yield* new TrainLoop(input).run();
}

class TrainLoop {
  readonly #input: LoopInput;
  readonly #batches: BatchStream;
  readonly #speed = new Speed();
  readonly #earlierSeconds: number;
  readonly #started = performance.now();
  /** When the last checkpoint of this process was complete. */
  #savedAt = performance.now();
  #checkpoint: CheckpointRef | undefined;
  #earlierCheckpoint: CheckpointRef | undefined;
  #next: Promise<StepBatches> | undefined;
  /** The step after `state.step`, if it is queued in the session or running. */
  #running: RunningStep | undefined;
  #lastEnd = 0;

  constructor(input: LoopInput) {
    this.#input = input;
    this.#batches = new BatchStream(input.train, input.plan, input.options);
    this.#earlierSeconds = input.state.sums.totalSeconds;
    this.#checkpoint = input.checkpoint;
  }

  async *run(): AsyncGenerator<TrainEvent, "finished" | "aborted"> {
    const { state, plan, options, signal } = this.#input;
    try {
      for (;;) {
        if (this.#evaluationIsDue(state.step)) yield* this.#evaluate();
        if (state.step >= plan.totalSteps) break;
        if (this.#patienceIsOver()) {
          yield this.#stopEvent(
            "early_stopping",
            `no better ${options.bestMetric} in ${options.earlyStopping} evaluation${options.earlyStopping === 1 ? "" : "s"}`,
          );
          break;
        }
        if (this.#checkpointIsDue(state.step)) yield* this.#save();
        if (this.#running === undefined) throwIfAborted(signal);
        yield await this.#step();
      }
    } catch (error) {
      if (!isAborted(error)) throw error;
      yield* this.#save();
      yield this.#stopEvent("aborted", this.#abortMessage());
      return "aborted";
    }
    if (state.best === null) {
      await this.#keepBest(null, null);
      this.#checkpoint = undefined; // a checkpoint of this step would not know the best model
    }
    yield* this.#save();
    return "finished";
  }

  async #step(): Promise<TrainEvent> {
    const { model, plan, state, queueSteps = model.device !== "cpu" } = this.#input;
    const running = this.#running ?? this.#start(await (this.#next ?? this.#batches.step(state.step)));
    this.#running = undefined;
    this.#next = state.step + 1 < plan.totalSteps ? this.#batches.step(state.step + 1) : undefined;
    if (queueSteps) await this.#startNext(state.step + 1);
    const result = await running.result;
    const seconds = (performance.now() - Math.max(running.started, this.#lastEnd)) / 1000;
    this.#lastEnd = performance.now();
    if (!Number.isFinite(result.loss)) throw this.#diverged(state.step + 1, `the loss is ${result.loss}`);
    if (!Number.isFinite(result.gradNorm))
      throw this.#diverged(state.step + 1, `the gradient norm is ${result.gradNorm}`);

    const { position } = locateStep(plan, state.step);
    const { sums } = state;
    const { rows, tokens } = running;
    sums.epochLoss = (position === 0 ? 0 : sums.epochLoss) + result.loss * rows;
    sums.epochRows = (position === 0 ? 0 : sums.epochRows) + rows;
    sums.rows += rows;
    sums.tokens += tokens;
    sums.trainSeconds += seconds;
    state.step++;
    Object.assign(state, locateStep(plan, state.step));
    this.#speed.add(seconds, rows, tokens);
    return {
      type: "step",
      step: state.step,
      totalSteps: plan.totalSteps,
      epoch: state.step / plan.stepsPerEpoch,
      loss: result.loss,
      learningRate: result.learningRate,
      gradNorm: result.gradNorm,
      ...this.#speed.rates(),
      secondsLeft: this.#speed.secondsFor(plan.totalSteps - state.step),
    };
  }

  #start({ batches, rows, tokens }: StepBatches): RunningStep {
    const result = this.#input.model.session.trainStep(batches);
    result.catch(() => {}); // in case the loop ends without awaiting it
    return { result, rows, tokens, started: performance.now() };
  }

  /** Starts the step after `step`, unless something else has to happen first. */
  async #startNext(step: number): Promise<void> {
    const { signal } = this.#input;
    if (this.#next === undefined || signal?.aborted) return;
    if (this.#evaluationIsDue(step) || this.#checkpointIsDue(step)) return;
    this.#running = this.#start(await this.#next);
  }

  #evaluationIsDue(step: number): boolean {
    const { state, plan, options, dev } = this.#input;
    return dev !== undefined && state.evaluatedStep < step && isDue(plan, options.evalEvery, step);
  }

  #checkpointIsDue(step: number): boolean {
    const { plan, options } = this.#input;
    const { saveEvery } = options;
    if (saveEvery === undefined) return false;
    const seconds = secondsOf(saveEvery);
    if (seconds === undefined) return isDue(plan, saveEvery as number | "epoch", step);
    // Not while a step is running, which may already have changed the weights.
    return this.#running === undefined && performance.now() - this.#savedAt >= 1000 * seconds;
  }

  async *#evaluate(): AsyncGenerator<TrainEvent, void> {
    const { plan, options, state } = this.#input;
    const dev = this.#input.dev!;
    const metrics = yield* this.#devEvents(dev);
    const { value, direction } = selectMetric(metrics, options.bestMetric);
    const best =
      state.best === null ||
      isBetter(
        { value, loss: metrics.loss },
        { value: state.best.value, loss: state.best.dev?.loss ?? null },
        direction,
      );
    if (best) await this.#keepBest(value, metrics);
    state.evaluationsWithoutBetter = best ? 0 : state.evaluationsWithoutBetter + 1;
    state.evaluatedStep = state.step;
    // The checkpoint of a run that was stopped before this evaluation does not know of it.
    if (this.#checkpoint?.step === state.step) this.#checkpoint = undefined;
    yield {
      type: "evaluation",
      split: "dev",
      step: state.step,
      epoch: state.step / plan.stepsPerEpoch,
      metrics,
      best,
    };
    if (!assignsNothing(metrics) || state.saidNothingAssigned) return;
    state.saidNothingAssigned = true;
    yield { type: "warning", message: nothingAssigned(state.step, options) };
  }

  async *#devEvents(dev: Split): AsyncGenerator<TrainEvent, SplitMetrics> {
    const { model, options, state, signal } = this.#input;
    try {
      return yield* evaluationEvents("dev", model, dev, options, signal);
    } catch (error) {
      if (!(error instanceof FinetagError && error.code === "ERR_FINETAG_DIVERGED")) throw error;
      throw this.#diverged(state.step, "the loss of the dev data is not a number", error);
    }
  }

  async #keepBest(value: number | null, dev: SplitMetrics | null): Promise<void> {
    const { options, state, storage } = this.#input;
    const sha256 = await storage.saveBest();
    state.best = { step: state.step, metric: options.bestMetric, value, dev, sha256 };
  }

  async *#save(): AsyncGenerator<TrainEvent, void> {
    const { state, storage } = this.#input;
    if (state.step === 0 || this.#checkpoint?.step === state.step) return;
    state.sums.totalSeconds = this.#earlierSeconds + (performance.now() - this.#started) / 1000;
    state.sums.peakRssMb = Math.max(state.sums.peakRssMb, process.resourceUsage().maxRSS / 1024);
    const written = await storage.checkpoint(state);
    this.#savedAt = performance.now();
    if (written === undefined) return;
    this.#earlierCheckpoint = this.#checkpoint;
    this.#checkpoint = written;
    yield { type: "checkpoint", ...written };
  }

  #patienceIsOver(): boolean {
    const { earlyStopping } = this.#input.options;
    return earlyStopping !== undefined && this.#input.state.evaluationsWithoutBetter >= earlyStopping;
  }

  #abortMessage(): string {
    const { state, storage } = this.#input;
    if (state.step === 0) return "stopped before the first step";
    return storage.keepsCheckpoints ? "stopped; continue with `resume: true`" : "stopped";
  }

  #stopEvent(reason: "early_stopping" | "aborted", message: string): TrainEvent {
    return { type: "stop", reason, step: this.#input.state.step, message };
  }

  /** A checkpoint is known to be good once a later step had a finite loss with its weights. */
  #goodCheckpoint(): CheckpointRef | undefined {
    const good = [this.#checkpoint, this.#earlierCheckpoint].find(
      (checkpoint) => checkpoint !== undefined && checkpoint.step < this.#input.state.step,
    );
    return good !== undefined && existsSync(good.path) ? good : undefined;
  }

  #diverged(step: number, what: string, cause?: unknown): FinetagError {
    const happened = [`step ${step}: ${what}`];
    if (this.#input.storage.keepsCheckpoints) {
      const last = this.#goodCheckpoint();
      happened.push(
        last === undefined ? "there is no good checkpoint yet" : `the last good checkpoint is ${last.path}`,
      );
    }
    return new FinetagError(
      "ERR_FINETAG_DIVERGED",
      `${happened.join("; ")}; use a lower \`learningRate\` or a higher \`warmupRatio\``,
      { cause, option: "learningRate" },
    );
  }
}

/** Said once per run: with rare labels this is the usual course, and every F1 looks like a failure. */
function nothingAssigned(step: number, { threshold }: Pick<LoopOptions, "threshold">): string {
  return (
    `after step ${step}, no label of any dev row is above the threshold ${threshold}, so F1, precision and recall are 0; ` +
    "that is common early on and with rare labels: judge the model by average precision and ROC AUC, or use a lower `threshold`"
  );
}

/** Evaluates a split and reports progress. */
export async function* evaluationEvents(
  split: "dev" | "test",
  model: OpenModel,
  data: Split,
  options: Pick<LoopOptions, "threshold" | "evalBatchSize">,
  signal: AbortSignal | undefined,
) {
  const steps = evaluateWindows(model.session, evaluationWindows(data), {
    labels: model.labels,
    thresholds: options.threshold,
    device: model.device,
    batchSize: options.evalBatchSize,
    signal,
  });
  for (;;) {
    const { done, value } = await steps.next();
    if (done) return value;
    const event: TrainEvent = { type: "evaluating", split, rows: value, totalRows: data.rows.length };
    yield event;
  }
}
