import type { ModelSource, OpenModel } from "../../engine/index.ts";
import { checkMetricName, type SplitMetrics } from "../../metrics/index.ts";
import { isHeadParameter, otherProblem } from "../../models/index.ts";
import { lossConfig, type ResolvedFitOptions, type ResolvedTrainOptions } from "../../options/index.ts";
import type { TrainEvent } from "../../report/index.ts";
import { VERSION } from "../../version.ts";
import { planSteps, type StepPlan, type TokenCache } from "../data/index.ts";
import {
  noProgress,
  type Progress,
  type RunIdentity,
  type RunStorage,
  recordedOptions,
} from "../storage/index.ts";
import { startAtLabelShares } from "./head-bias.ts";
import { evaluationEvents, trainLoop } from "./loop.ts";
import { runMetrics } from "./metrics.ts";
import { optimizerOptions } from "./optimizer.ts";
import { checkDevData, loadSplits, type Sources, type Splits, tokensOf } from "./splits.ts";

/** The model, the data, the options, and where the result goes. */
export interface TrainInput {
  /** The caller's name for the model. */
  name: string;
  source: ModelSource;
  /** Opens the model while the data is loaded. Called once the input has been checked; the caller disposes of the model. */
  open: () => Promise<OpenModel>;
  /** Labels of the model's head; the labels of the data are indices into it. */
  labels: readonly string[];
  sources: Sources;
  /** `saveEvery` is absent if no checkpoints are written. */
  options: ResolvedFitOptions & Partial<Pick<ResolvedTrainOptions, "saveEvery">>;
  storage: RunStorage;
  /** Absent if nothing is written. */
  outputDir?: string;
  /** Where tokens of files are cached for later runs. */
  cache?: TokenCache | undefined;
  /** Whether the model's new parameters are still untrained; false for a model that was trained after it was opened. */
  isUntrained: boolean;
  /** Whether the model is used after the run: it then ends with its best weights, even after an abort. */
  keepModel: boolean;
  signal?: AbortSignal | undefined;
  /** As in RunContext, with its default. */
  queueSteps?: boolean | undefined;
}

/**
 * Trains a model; all training uses this function. Loads the data, continues an earlier part of the run if the storage has
 * one, takes the steps, selects the best weights, and evaluates them on the test data. All input is checked before the
 * storage is opened, so before anything is written.
 *
 * @throws FinetagError for unusable data and options, a checkpoint of another run, a full disk, a loss that
 *   is not a number; `ERR_FINETAG_ABORTED` for a signal outside the loop.
 */
export async function* train(input: TrainInput): AsyncGenerator<TrainEvent, void> {
  const { source, sources, labels, options, storage, signal } = input;
  checkMetricName(options.bestMetric, labels);
  checkDevData(sources, options);
  const opening = input.open();
  const loading = { ...options, labelCount: labels.length };
  const splits = yield* loadSplits(sources, source, opening, loading, input.cache, signal);
  const model = await opening;
  if (source.config.labels === undefined && !model.freshParameters.some(isHeadParameter)) {
    yield { type: "warning", message: namelessHead(model) };
  }
  for (const message of modelWarnings(input, model)) yield { type: "warning", message };

  const plan = planSteps(splits.train.rows.length, options);
  const earlier = storage.resume(identityOf(model, splits, plan, options.seed));
  for (const message of earlier?.warnings ?? []) yield { type: "warning", message };
  const progress = earlier?.progress ?? noProgress();
  if (earlier === undefined && input.isUntrained && options.headBias === "frequency") {
    await startAtLabelShares(model, splits.train);
  }
  await model.session.setLoss(lossConfig(options));
  await model.session.configureTraining(optimizerOptions(options, plan));
  await storage.open(model);

  yield startEvent(input, model, splits, plan, progress.step);
  const ending = yield* trainLoop({
    model,
    train: splits.train,
    dev: splits.dev,
    plan,
    options,
    storage,
    state: progress,
    checkpoint: earlier?.checkpoint,
    signal,
    queueSteps: input.queueSteps,
  });
  const bestIsUsed = input.keepModel || (ending === "finished" && splits.test !== undefined);
  if (bestIsUsed && progress.best !== null && progress.best.step !== progress.step) await storage.loadBest();
  if (ending === "aborted") return;
  const test = yield* evaluateTest(input, model, splits, plan, progress);
  const metrics = runMetrics(progress, plan, test);
  await storage.finish(metrics);
  yield { type: "end", ...place(input), step: progress.step, metrics };
}

function identityOf(model: OpenModel, { train, dev }: Splits, plan: StepPlan, seed: number): RunIdentity {
  return {
    seed,
    totalSteps: plan.totalSteps,
    labels: model.labels,
    model: { ...model.native },
    data: { train: train.fingerprint, ...(dev === undefined ? {} : { dev: dev.fingerprint }) },
    device: model.device,
    threads: model.threads,
    versions: { finetag: VERSION, libtorch: model.libtorch },
  };
}

function startEvent(
  input: TrainInput,
  model: OpenModel,
  { train, dev, test }: Splits,
  plan: StepPlan,
  step: number,
): TrainEvent {
  return {
    type: "start",
    model: input.name,
    ...place(input),
    device: model.device,
    threads: model.threads,
    labels: model.labels,
    trainRows: train.rows.length,
    devRows: dev?.rows.length ?? 0,
    testRows: test?.rows.length ?? 0,
    trainTokens: tokensOf(train),
    epochs: plan.totalSteps / plan.stepsPerEpoch,
    totalSteps: plan.totalSteps,
    stepsPerEpoch: plan.stepsPerEpoch,
    step,
    weights: model.weights,
    loadedTensors: model.loadedTensors,
    freshParameters: model.freshParameters,
    unusedTensors: model.unusedTensors,
    options: recordedOptions(input.options),
  };
}

function place({ outputDir }: TrainInput): { outputDir?: string } {
  return outputDir === undefined ? {} : { outputDir };
}

/** @returns Metrics of the best model, whose weights are in the session. */
async function* evaluateTest(
  { options, signal }: TrainInput,
  model: OpenModel,
  { test }: Splits,
  { stepsPerEpoch }: StepPlan,
  progress: Progress,
): AsyncGenerator<TrainEvent, SplitMetrics | undefined> {
  if (test === undefined) return undefined;
  const metrics = yield* evaluationEvents("test", model, test, options, signal);
  const { step } = progress.best!;
  yield { type: "evaluation", split: "test", step, epoch: step / stepsPerEpoch, metrics, best: true };
  return metrics;
}

/** What should be known about the model that the run starts from. */
function modelWarnings({ source, isUntrained }: TrainInput, model: OpenModel): string[] {
  if (!isUntrained) return [];
  const problem = model.freshParameters.some(isHeadParameter) ? undefined : otherProblem(source.config);
  if (problem === undefined) return model.warnings;
  const message = `${source.directory}: ${problem}; from here on, its head is trained to give any number of labels`;
  return [...model.warnings, message];
}

function namelessHead({ source, labels }: OpenModel): string {
  return (
    `${source.directory}: the ${labels.length} labels of its head have no names, so these are used, in this order: ` +
    `${labels.join(", ")}; use \`newHead: true\` if the model was trained on other labels`
  );
}
