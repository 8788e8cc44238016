import { join } from "node:path";
import {
  checkMaxLength,
  isAborted,
  type ModelSource,
  type OpenModel,
  openModel,
  readModelSource,
} from "../../engine/index.ts";
import { type DownloadProgress, resolveModel } from "../../hub/index.ts";
import { writeFileAtomic } from "../../io/index.ts";
import { checkMetricName, type SplitMetrics } from "../../metrics/index.ts";
import { type FinetagJson, isHeadParameter } from "../../models/index.ts";
import { askForTokenizerThreads } from "../../tokenizer/index.ts";
import { VERSION } from "../../version.ts";
import {
  fileSource,
  holdOut,
  type LoadedSplit,
  loadSplit,
  openRunFiles,
  planSteps,
  type RunFiles,
  type SplitName,
  type StepPlan,
  TokenCache,
} from "../data/index.ts";
import type { TrainEvent } from "../events.ts";
import {
  parseOptions,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "../options/index.ts";
import {
  checkOutputDirectory,
  checkpointFolder,
  compareWithCheckpoint,
  DirectoryStorage,
  freshState,
  loadCheckpoint,
  newestCheckpoint,
  openOutputDirectory,
  type TrainState,
} from "../storage/index.ts";
import { startAtLabelShares } from "./head-bias.ts";
import { evaluationEvents, trainLoop } from "./loop.ts";
import { runMetrics } from "./metrics.ts";
import { optimizerOptions } from "./optimizer.ts";
import { TensorBoardLog } from "./tensorboard.ts";

/** What surrounds a run but does not define it. */
export interface RunContext {
  /** Stops the run at the end of a step: it writes a checkpoint, tells `stop` with reason `aborted`, and ends. */
  signal?: AbortSignal;
  /** Told while a model that is not on this machine is fetched. */
  onDownload?: (progress: DownloadProgress) => void;
  /**
   * Hand a step to the engine while the one before it runs; a signal then stops the run within two steps. Default: on
   * a GPU, where a step takes milliseconds and the way through JavaScript shows.
   */
  queueSteps?: boolean;
}

/**
 * Trains a model as `finetag train` does: reads the files, fine-tunes, evaluates, keeps the best model and the newest
 * checkpoints in the output directory, writes metrics.json. Wrong input is refused before anything is written.
 *
 * Nothing happens until the events are iterated; leaving the loop early ends the run at once and frees the model.
 *
 * @throws FinetagError for wrong options, data, models or checkpoints, full disks, a loss that is not a number.
 */
export async function* trainRun(
  options: TrainOptions,
  context: RunContext = {},
): AsyncGenerator<TrainEvent, void> {
  const resolved = parseOptions(trainOptionsSchema, options);
  const run = new Run(resolved, options.maxLength !== undefined, context);
  try {
    yield* run.events();
  } catch (error) {
    if (!isAborted(error)) throw error;
    yield run.stopEvent();
  } finally {
    await run.close();
  }
}

interface Splits {
  train: LoadedSplit;
  dev: LoadedSplit | undefined;
  test: LoadedSplit | undefined;
}

class Run {
  readonly #options: ResolvedTrainOptions;
  readonly #maxLengthIsGiven: boolean;
  readonly #context: RunContext;
  #opening: Promise<OpenModel> | undefined;
  #log: TensorBoardLog | undefined;
  #state: TrainState | undefined;

  constructor(options: ResolvedTrainOptions, maxLengthIsGiven: boolean, context: RunContext) {
    this.#options = options;
    this.#maxLengthIsGiven = maxLengthIsGiven;
    this.#context = context;
  }

  /** For an abort before the first step or after the last one; the loop has its own. */
  stopEvent(): TrainEvent {
    const message = this.#state === undefined ? "stopped before training" : "stopped; go on with --resume";
    return { type: "stop", reason: "aborted", step: this.#state?.step ?? 0, message };
  }

  async *events(): AsyncGenerator<TrainEvent, void> {
    const { outputDir, threads } = this.#options;
    askForTokenizerThreads(threads);
    const source = await this.#openSource();
    const files = await openRunFiles(this.#options, {
      directory: source.directory,
      labels: this.#options.newHead ? undefined : source.config.labels,
    });
    checkMetricName(this.#options.bestMetric, files.train.labels);
    for (const message of files.warnings) yield { type: "warning", message };

    const checkpoint = yield* this.#findCheckpoint();
    // Weights and data are loaded side by side.
    this.#opening = this.#openModel(source, files, checkpoint !== undefined);
    const splits = yield* this.#load(files, source, this.#opening);
    const model = await this.#opening;
    if (source.config.labels === undefined && !model.freshParameters.some(isHeadParameter)) {
      yield { type: "warning", message: namelessHead(source, model) };
    }
    const dev = splits.dev;
    const plan = planSteps(splits.train.rows.length, this.#options);
    const state = this.#newState(model, splits, plan);

    if (checkpoint !== undefined) {
      const warnings = compareWithCheckpoint(checkpoint.path, checkpoint.state, state);
      for (const message of warnings) yield { type: "warning", message };
      Object.assign(state, progressOf(checkpoint.state));
    }
    this.#state = state;
    if (checkpoint === undefined && this.#options.headBias === "frequency") {
      await startAtLabelShares(model, splits.train);
    }
    await model.session.configureTraining(optimizerOptions(this.#options, plan));
    await openOutputDirectory(outputDir, this.#options);
    const storage = new DirectoryStorage(
      outputDir,
      model,
      this.#finetagJson(files, model),
      this.#options.keepCheckpoints,
    );
    if (checkpoint !== undefined) {
      await loadCheckpoint(checkpoint.path, model.session, model.parameters, state.step);
      await storage.restoreBest(checkpoint.path, state);
    }
    if (this.#options.tensorboard) {
      this.#log = new TensorBoardLog(outputDir, this.#options.logEvery, state.step);
    }

    yield this.#startEvent(model, splits, plan, state.step);
    const loop = trainLoop({
      model,
      train: splits.train,
      dev,
      plan,
      options: this.#options,
      storage,
      state,
      checkpoint: checkpoint && { step: checkpoint.state.step, path: checkpoint.path },
      signal: this.#context.signal,
      queueSteps: this.#context.queueSteps,
    });
    if ((yield* this.#logged(loop)) === "aborted") return;
    if (splits.test !== undefined && state.best!.step !== state.step) await storage.loadBest();
    const test = yield* this.#logged(this.#test(model, splits.test, plan, state));
    const metrics = runMetrics(state, plan, test);
    await writeFileAtomic(join(outputDir, "metrics.json"), `${JSON.stringify(metrics, null, 2)}\n`);
    yield { type: "end", outputDir, step: state.step, metrics };
  }

  async close(): Promise<void> {
    const model = await this.#opening?.catch(() => undefined);
    await Promise.all([model?.session.dispose(), this.#log?.close()]);
  }

  async #openSource(): Promise<ModelSource> {
    const { model, offline, outputDir } = this.#options;
    const { signal, onDownload } = this.#context;
    const directory = await resolveModel(model, { offline, signal, onProgress: onDownload });
    await checkOutputDirectory(outputDir, directory, this.#options);
    const source = await readModelSource(directory, false);
    this.#options.maxLength = checkMaxLength(
      this.#maxLengthIsGiven ? this.#options.maxLength : Math.min(this.#options.maxLength, source.positions),
      source,
    );
    return source;
  }

  async *#findCheckpoint() {
    if (!this.#options.resume) return undefined;
    const folder = checkpointFolder(this.#options.outputDir);
    const warnings: string[] = [];
    const found = await newestCheckpoint(folder, (message) => warnings.push(message));
    if (found === undefined)
      warnings.push(`${folder}: there is no whole checkpoint; the run starts from the beginning`);
    for (const message of warnings) {
      const event: TrainEvent = { type: "warning", message };
      yield event;
    }
    return found;
  }

  #openModel(source: ModelSource, files: RunFiles, skipWeights: boolean): Promise<OpenModel> {
    const { device, threads, seed, precision, dropout, newHead } = this.#options;
    const labels = files.train.labels;
    return openModel(source, { labels, device, threads, seed, precision, dropout, newHead, skipWeights });
  }

  /** @param opening Where it fails, loading ends at once with its error. */
  async *#load(
    files: RunFiles,
    source: ModelSource,
    opening: Promise<OpenModel>,
  ): AsyncGenerator<TrainEvent, Splits> {
    const { maxLength, devSplit, seed, tokenCache } = this.#options;
    const failed = new AbortController();
    opening.catch(() => failed.abort());
    const signals = [failed.signal, ...(this.#context.signal === undefined ? [] : [this.#context.signal])];
    const options = {
      maxLength,
      labelCount: files.train.labels.length,
      signal: AbortSignal.any(signals),
      ...(tokenCache ? { cache: new TokenCache() } : {}),
    };
    const loaded: Partial<Record<SplitName, LoadedSplit>> = {};
    try {
      for (const name of ["train", "dev", "test"] as const) {
        const file = files[name];
        if (file === undefined) continue;
        loaded[name] = yield* loadSplit(name, await fileSource(file), source, options);
      }
    } catch (error) {
      if (failed.signal.aborted) await opening;
      throw error;
    }
    const { train, dev, test } = loaded as Partial<Splits> & Pick<Splits, "train">;
    if (devSplit === undefined) return { train, dev, test };
    const { fingerprint } = train;
    const parts = holdOut(train, devSplit, seed);
    return { train: { ...parts.train, fingerprint }, dev: { ...parts.dev, fingerprint }, test };
  }

  #newState(model: OpenModel, { train, dev }: Splits, plan: StepPlan): TrainState {
    return freshState({
      seed: this.#options.seed,
      totalSteps: plan.totalSteps,
      options: this.#options,
      labels: model.labels,
      model: { ...model.native },
      data: { train: train.fingerprint, ...(dev === undefined ? {} : { dev: dev.fingerprint }) },
      device: model.device,
      threads: model.threads,
      versions: { finetag: VERSION, libtorch: model.libtorch },
    });
  }

  #startEvent(model: OpenModel, splits: Splits, plan: StepPlan, step: number): TrainEvent {
    const { train, dev, test } = splits;
    return {
      type: "start",
      model: this.#options.model,
      outputDir: this.#options.outputDir,
      device: model.device,
      threads: model.threads,
      labels: model.labels,
      trainRows: train.rows.length,
      devRows: dev?.rows.length ?? 0,
      testRows: test?.rows.length ?? 0,
      trainTokens: tokensOf(train),
      epochs: plan.totalSteps / plan.stepsPerEpoch,
      totalSteps: plan.totalSteps,
      step,
      weights: model.weights,
      loadedTensors: model.loadedTensors,
      freshParameters: model.freshParameters,
      unusedTensors: model.unusedTensors,
    };
  }

  async *#test(
    model: OpenModel,
    test: LoadedSplit | undefined,
    plan: StepPlan,
    state: TrainState,
  ): AsyncGenerator<TrainEvent, SplitMetrics | undefined> {
    if (test === undefined) return undefined;
    const metrics = yield* evaluationEvents("test", model, test, this.#options, this.#context.signal);
    const { step } = state.best!;
    yield { type: "evaluation", split: "test", step, epoch: step / plan.stepsPerEpoch, metrics, best: true };
    return metrics;
  }

  async *#logged<Result>(events: AsyncGenerator<TrainEvent, Result>): AsyncGenerator<TrainEvent, Result> {
    try {
      for (;;) {
        const { done, value } = await events.next();
        if (done) return value;
        await this.#log?.record(value);
        yield value;
      }
    } finally {
      await events.return(undefined as Result);
    }
  }

  #finetagJson(files: RunFiles, model: OpenModel): FinetagJson {
    const { resume: _resume, overwrite: _overwrite, ...options } = this.#options;
    return {
      version: 1,
      threshold: this.#options.threshold,
      maxLength: this.#options.maxLength,
      columns: files.train.columns,
      arguments: options,
      versions: { finetag: VERSION, libtorch: model.libtorch },
    };
  }
}

function namelessHead({ directory }: ModelSource, { labels }: OpenModel): string {
  return (
    `${directory}: its head has ${labels.length} labels without names, which are taken to be ${labels.join(", ")} in ` +
    "this order; give --new-head if they are others"
  );
}

/** The part of a state that a run changes; the rest says what the run is. */
function progressOf(state: TrainState) {
  const { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, sums } = state;
  return { step, epoch, position, evaluatedStep, evaluationsWithoutBetter, best, sums };
}

function tokensOf({ store, rows }: LoadedSplit): number {
  return rows.length === store.rows ? store.tokens : rows.reduce((sum, row) => sum + store.length(row), 0);
}
