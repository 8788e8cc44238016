import type { OpenModel } from "../../engine/index.ts";
import { FinetagError } from "../../errors/index.ts";
import { checkMetricName } from "../../metrics/index.ts";
import { VERSION } from "../../version.ts";
import type { RowSource } from "../data/index.ts";
import { holdOut, type LoadedSplit, loadSplit, planSteps } from "../data/index.ts";
import type { TrainEvent } from "../events.ts";
import { type ResolvedFitOptions, trainOptionsSchema } from "../options/index.ts";
import { freshState, MemoryStorage } from "../storage/index.ts";
import { startAtLabelShares } from "./head-bias.ts";
import { trainLoop } from "./loop.ts";
import { runMetrics } from "./metrics.ts";
import { optimizerOptions } from "./optimizer.ts";

/**
 * Fine-tunes an open model in the process: nothing is written. At the end, also after an abort, the session holds
 * the best weights (by `bestMetric` on the dev rows; the last ones without dev rows).
 */
export async function* fit(
  model: OpenModel,
  sources: { train: RowSource; dev: RowSource | undefined },
  options: ResolvedFitOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, void> {
  checkMetricName(options.bestMetric, model.labels);
  if (sources.dev === undefined && options.devSplit === undefined && options.earlyStopping !== undefined) {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", "earlyStopping needs dev data; give dev or devSplit");
  }
  if (sources.dev !== undefined && options.devSplit !== undefined) {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", "dev and devSplit exclude each other; give one");
  }
  const loading = { maxLength: options.maxLength, labelCount: model.labels.length, signal };
  let train = yield* loadSplit("train", sources.train, model.source, loading);
  let dev: LoadedSplit | undefined;
  if (sources.dev !== undefined) dev = yield* loadSplit("dev", sources.dev, model.source, loading);
  if (options.devSplit !== undefined) {
    const { fingerprint } = train;
    const parts = holdOut(train, options.devSplit, options.seed);
    train = { ...parts.train, fingerprint };
    dev = { ...parts.dev, fingerprint };
  }

  const plan = planSteps(train.rows.length, options);
  const state = freshState({
    seed: options.seed,
    totalSteps: plan.totalSteps,
    options: trainOptionsSchema.parse({ ...options, model: model.source.directory, outputDir: "memory" }),
    labels: model.labels,
    model: { ...model.native },
    data: { train: train.fingerprint },
    device: model.device,
    threads: model.threads,
    versions: { finetag: VERSION, libtorch: model.libtorch },
  });
  // Steps taken: the head is no longer as it was created.
  if (options.headBias === "frequency" && model.session.getStep() === 0) {
    await startAtLabelShares(model, train);
  }
  await model.session.configureTraining(optimizerOptions(options, plan));
  await model.session.setStep(0);
  const storage = new MemoryStorage(model);

  yield {
    type: "start",
    model: model.source.directory,
    outputDir: "",
    device: model.device,
    threads: model.threads,
    labels: model.labels,
    trainRows: train.rows.length,
    devRows: dev?.rows.length ?? 0,
    testRows: 0,
    trainTokens: train.store.tokens,
    epochs: plan.totalSteps / plan.stepsPerEpoch,
    totalSteps: plan.totalSteps,
    step: 0,
    weights: model.weights,
    loadedTensors: model.loadedTensors,
    freshParameters: model.freshParameters,
    unusedTensors: model.unusedTensors,
  };
  const loop = trainLoop({
    model,
    train,
    dev,
    plan,
    options: { ...options, saveEvery: "epoch" },
    storage,
    state,
    checkpoint: undefined,
    signal,
  });
  const ending = yield* loop;
  if (state.best !== null && state.best.step !== state.step) await storage.loadBest();
  if (ending === "finished") {
    yield { type: "end", outputDir: "", step: state.step, metrics: runMetrics(state, plan, undefined) };
  }
}
