import {
  checkMaxLength,
  type ModelSource,
  type OpenModel,
  openModel,
  readModelSource,
} from "../../engine/index.ts";
import { type DownloadProgress, resolveModel } from "../../hub/index.ts";
import {
  parseOptions,
  type ResolvedTrainOptions,
  type TrainOptions,
  trainOptionsSchema,
} from "../../options/index.ts";
import { HistoryObserver, observed, TensorBoardObserver, type TrainEvent } from "../../report/index.ts";
import { askForTokenizerThreads } from "../../tokenizer/index.ts";
import { directoryOf } from "../../weights/index.ts";
import { fileSource, openRunFiles, type RunFiles, TokenCache } from "../data/index.ts";
import { claimOutputDirectory, DirectoryStorage, type OutputClaim } from "../storage/index.ts";
import { endAtAbort } from "./abort.ts";
import type { Sources } from "./splits.ts";
import { train } from "./train.ts";

/** What a caller may attach to a run; it does not change the result. */
export interface RunContext {
  /** Stops the run after the current step: it writes a checkpoint, reports `stop` with reason `aborted`, and ends. */
  signal?: AbortSignal;
  /** Called while a model is downloaded. */
  onDownload?: (progress: DownloadProgress) => void;
  /**
   * Queue the next step while the current one runs; a signal then stops the run within two steps. Default: true on a GPU,
   * where a step takes milliseconds and the time spent in JavaScript matters.
   */
  queueSteps?: boolean;
}

/**
 * Trains a model as `finetag train` does: reads the files, fine-tunes and evaluates. The output directory gets the best
 * model, the newest checkpoints, the run's history and metrics.json. Wrong input is refused before anything is written.
 *
 * Nothing happens until you iterate over the events; leaving the loop early ends the run at once and frees the model.
 *
 * @throws FinetagError for wrong options, data, models or checkpoints, full disks, a loss that is not a number.
 */
export async function* trainRun(
  options: TrainOptions,
  context: RunContext = {},
): AsyncGenerator<TrainEvent, void> {
  const resolved = parseOptions(trainOptionsSchema, options);
  const { outputDir, logEvery, tensorboard } = resolved;
  const observers = [
    new HistoryObserver(outputDir, resolved),
    ...(tensorboard ? [new TensorBoardObserver(outputDir, logEvery)] : []),
  ];
  const place: Place = { claim: undefined };
  const events = runFromFiles(resolved, options, context, place);
  try {
    yield* observed(endAtAbort(events), observers);
  } finally {
    await place.claim?.release();
  }
}

/** The right to write into the output directory, which the run has from its first checks until its observers are closed. */
interface Place {
  claim: OutputClaim | undefined;
}

async function* runFromFiles(
  given: ResolvedTrainOptions,
  asked: TrainOptions,
  context: RunContext,
  place: Place,
): AsyncGenerator<TrainEvent, void> {
  askForTokenizerThreads(given.threads);
  const { model, offline, outputDir } = given;
  const { signal, onDownload } = context;
  const found = await resolveModel(model, { offline, signal, onProgress: onDownload });
  place.claim = await claimOutputDirectory(outputDir, await directoryOf(found), given);
  for (const message of place.claim.warnings) yield { type: "warning", message };
  const source = await readModelSource(found, false);
  const settled = { ...given, maxLength: settleMaxLength(given, asked.maxLength !== undefined, source) };
  const { device, threads, seed, precision, dropout, newHead } = settled;
  const files = await openRunFiles(settled, {
    directory: source.directory,
    labels: newHead ? undefined : source.config.labels,
  });
  yield* planEvents(files);
  for (const message of files.warnings) yield { type: "warning", message };
  const { labels, columns } = files.train;
  const storage = new DirectoryStorage(settled, columns);
  for (const message of await storage.findCheckpoint(asked)) yield { type: "warning", message };

  const { options } = storage;
  const sources = await sourcesOf(files);
  const skipWeights = storage.hasCheckpoint;
  const opened = { labels, device, threads, seed, precision, dropout, newHead, skipWeights };
  let opening: Promise<OpenModel> | undefined;
  const open = () => {
    opening = openModel(source, opened);
    return opening;
  };
  try {
    yield* train({
      name: options.model,
      source,
      open,
      labels,
      sources,
      options,
      storage,
      outputDir: options.outputDir,
      cache: options.tokenCache ? new TokenCache() : undefined,
      isUntrained: true,
      keepModel: false,
      signal: context.signal,
      queueSteps: context.queueSteps,
    });
  } finally {
    const model = await opening?.catch(() => undefined);
    await model?.session.dispose();
  }
}

/** How each file is read, and what may be wrong with it. */
function* planEvents(files: RunFiles): Generator<TrainEvent, void> {
  for (const split of ["train", "dev", "test"] as const) {
    const plan = files[split]?.plan;
    if (plan === undefined) continue;
    yield { type: "data", split, plan };
    for (const message of plan.warnings) yield { type: "warning", message };
  }
}

/** The default is lower for a model with fewer positions. */
function settleMaxLength({ maxLength }: ResolvedTrainOptions, isGiven: boolean, source: ModelSource): number {
  return checkMaxLength(isGiven ? maxLength : Math.min(maxLength, source.positions), source);
}

async function sourcesOf({ train, dev, test }: RunFiles): Promise<Sources> {
  return {
    train: await fileSource(train),
    dev: dev && (await fileSource(dev)),
    test: test && (await fileSource(test)),
  };
}
