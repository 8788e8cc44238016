import type { DataColumns } from "../data/index.ts";
import {
  checkMaxLength,
  type ModelSource,
  type OpenModel,
  openModel,
  readModelSource,
  Scheduler,
  saveModel,
  strangeHead,
  surveyWeights,
  untrained,
} from "../engine/index.ts";
import { FinetagError } from "../errors/index.ts";
import { resolveModel } from "../hub/index.ts";
import { withLock } from "../io/index.ts";
import type { SplitMetrics } from "../metrics/index.ts";
import { type FinetagJson, namesOfLabels, notMultiLabel, otherProblem } from "../models/index.ts";
import { fitOptionsSchema, parseOptions, savedLossConfig } from "../options/index.ts";
import type { TrainEvent } from "../report/index.ts";
import { askForTokenizerThreads } from "../tokenizer/index.ts";
import {
  checkSameLabels,
  coverageWarning,
  endAtAbort,
  finetagJson,
  MemoryStorage,
  train,
} from "../training/index.ts";
import { VERSION } from "../version.ts";
import { type OpenedData, openLabeledData } from "./data.ts";
import { evaluateSource } from "./evaluate.ts";
import { asInput, checkedWindows, collectTexts } from "./inputs.ts";
import { checkEvaluateOptions, checkLoadOptions, checkPredictOptions } from "./options.ts";
import { type PredictSetup, predictTexts, predictWindows } from "./predict.ts";
import type {
  ClassifierTrainOptions,
  EvaluateOptions,
  LabeledData,
  LoadOptions,
  Prediction,
  PredictOptions,
  StreamOptions,
  TextInput,
} from "./types.ts";

const DEFAULT_MAX_LENGTH = 128;
const DEFAULT_THRESHOLD = 0.5;

/**
 * A multi-label text classifier: one model with one native thread. It holds native memory until {@link dispose}.
 *
 * @example
 * ```ts
 * await using classifier = await Classifier.fromPretrained("out/my-model");
 * const [prediction] = await classifier.predict("how kind of you");
 * console.log(prediction.labels, prediction.probabilities);
 * ```
 */
export class Classifier implements AsyncDisposable {
  readonly #source: ModelSource;
  readonly #loading: LoadOptions;
  #model: OpenModel | undefined;
  #scheduler: Scheduler | undefined;
  #finetag: FinetagJson;
  #training = false;
  /** Whether a training step was taken since the model was opened. */
  #isTrained = false;
  #disposal: Promise<void> | undefined;
  /** Why there is no model yet. */
  #untrained: FinetagError | undefined;

  private constructor(source: ModelSource, loading: LoadOptions) {
    this.#source = source;
    this.#loading = loading;
    this.#finetag = source.finetag ?? {
      version: 1,
      threshold: DEFAULT_THRESHOLD,
      maxLength: Math.min(DEFAULT_MAX_LENGTH, source.positions),
      columns: { text: "text", labels: { kind: "none" } },
      arguments: {},
      versions: {},
    };
  }

  /**
   * Opens a model: a directory, a catalogue name, or a Hub id, which is downloaded into the cache.
   * An encoder without a head gets a new one for `options.labels`, or for the labels of the first data that it is
   * trained on.
   *
   * @throws FinetagError `ERR_FINETAG_MODEL` for unusable files or a head with other labels,
   *   `ERR_FINETAG_DOWNLOAD`, `ERR_FINETAG_DEVICE`, `ERR_FINETAG_ADDON`, `ERR_FINETAG_OUT_OF_MEMORY`.
   */
  static async fromPretrained(nameOrDir: string, options: LoadOptions = {}): Promise<Classifier> {
    checkLoadOptions(options);
    const { offline, onDownload, signal, threads } = options;
    askForTokenizerThreads(threads);
    const source = await readModelSource(
      await resolveModel(nameOrDir, { offline, onProgress: onDownload, signal }),
    );
    const classifier = new Classifier(source, options);
    const known = await knownLabels(source, options);
    if (known instanceof FinetagError) classifier.#untrained = known;
    else if (known !== undefined) await classifier.#open(known);
    return classifier;
  }

  /** Names of the labels in the order of the model's outputs; empty until the model has a head. */
  get labels(): readonly string[] {
    return this.#model?.labels ?? [];
  }

  /** `cpu` or `cuda:N`. */
  get device(): string {
    return this.#model?.device ?? this.#loading.device ?? "auto";
  }

  /** CPU threads of the model. */
  get threads(): number | undefined {
    return this.#model?.threads ?? this.#loading.threads;
  }

  /** Maximum length of a text in tokens, including special tokens; longer texts are truncated. */
  get maxLength(): number {
    return this.#finetag.maxLength;
  }

  /** One threshold per label of {@link labels}; a label is assigned when its probability is above it. */
  get thresholds(): readonly number[] {
    const { threshold, thresholds } = this.#finetag;
    return this.labels.map((label) => thresholds?.[label] ?? threshold);
  }

  /** Columns of the data the model was trained on; undefined for a model that finetag did not train. */
  get columns(): DataColumns | undefined {
    return this.#finetag.columns.labels.kind === "none" ? undefined : this.#finetag.columns;
  }

  /**
   * What should be known about the model and the texts so far, a line each: how its files were read where that is not
   * obvious, and whether its tokenizer knows the texts' language.
   */
  get warnings(): readonly string[] {
    const { directory, config, tokenizer } = this.#source;
    const problem = this.#loading.multiLabel === true && !this.#isTrained ? otherProblem(config) : undefined;
    return [
      ...(this.#model?.warnings ?? tokenizer.warnings),
      problem && `${directory}: ${problem}; each label gets a probability of its own (sigmoid) all the same`,
      coverageWarning(directory, tokenizer.coverage.seen, tokenizer.coverage),
    ].filter((warning) => warning !== undefined);
  }

  /** Parameters that were initialised, not loaded, when the model was opened: for example a new head. */
  get freshParameters(): readonly string[] {
    return this.#model?.freshParameters ?? [];
  }

  /**
   * Fine-tunes this model and yields events meanwhile. At the end, even after an abort, the model has the weights that
   * were best on `dev`, or the last ones without `dev`. Nothing is written to disk: use `save` for the result, or
   * `trainRun` for checkpoints. After an abort, the last event is `stop`.
   *
   * @throws FinetagError `ERR_FINETAG_ARGUMENT`, also in int8; `ERR_FINETAG_DATA`; `ERR_FINETAG_DIVERGED` (the weights are then
   *   lost); `ERR_FINETAG_DISPOSED`.
   */
  async *train(options: ClassifierTrainOptions): AsyncGenerator<TrainEvent, void> {
    this.#assertAlive();
    if (this.#training) {
      throw new FinetagError(
        "ERR_FINETAG_ARGUMENT",
        "this model is already being trained; wait until training ends",
      );
    }
    this.#assertNotInt8("trained");
    this.#training = true;
    try {
      const { train: trainData, dev: devData, signal, ...rest } = options;
      const parsed = parseOptions(fitOptionsSchema, rest);
      parsed.maxLength = checkMaxLength(rest.maxLength ?? this.maxLength, this.#source);
      const opened = await openLabeledData("train", trainData, { labels: this.#model?.labels });
      const { labels, columns, source } = opened;
      const model = this.#model ?? (await this.#open(labels));
      const known = { labels, columns };
      const openedDev = devData === undefined ? undefined : await openLabeledData("dev", devData, known);
      yield* dataEvents("train", opened);
      if (openedDev !== undefined) yield* dataEvents("dev", openedDev);
      const events = train({
        name: this.#source.directory,
        source: this.#source,
        open: async () => model,
        labels: model.labels,
        sources: { train: source, dev: openedDev?.source },
        options: parsed,
        storage: new MemoryStorage(),
        isUntrained: !this.#isTrained,
        keepModel: true,
        signal,
      });
      let trained = false;
      for await (const event of endAtAbort(events)) {
        if (event.type === "step") trained = this.#isTrained = true;
        yield event;
      }
      const versions = { finetag: VERSION, libtorch: model.libtorch };
      if (trained) this.#finetag = finetagJson(parsed, columns, versions);
    } finally {
      this.#training = false;
    }
  }

  /**
   * Classifies texts and returns predictions in the same order. Texts of similar length are computed together.
   * Concurrent calls share batches; a text that comes alone does not wait for others.
   *
   * @throws FinetagError `ERR_FINETAG_ARGUMENT` for a wrong text or option, `ERR_FINETAG_ABORTED` as soon as
   *   `options.signal` aborts, `ERR_FINETAG_DISPOSED`.
   */
  async predict(
    texts: string | TextInput | readonly (string | TextInput)[],
    options: PredictOptions = {},
  ): Promise<Prediction[]> {
    const setup = this.#setup(options);
    const inputs = (Array.isArray(texts) ? texts : [texts]).map(asInput);
    return await predictTexts(inputs, setup);
  }

  /**
   * Classifies a stream of any length in constant memory, and yields predictions in its order. Texts that arrive while
   * others are computed are batched together, sorted by length; a text that arrives alone is computed at once. A window
   * holds up to 1,024 texts or 4 million characters, and at most four windows are in memory.
   *
   * @throws FinetagError as {@link predict}.
   */
  async *predictStream(
    inputs: AsyncIterable<string | TextInput>,
    options: StreamOptions = {},
  ): AsyncGenerator<Prediction, void> {
    const setup = this.#setup(options);
    const texts = collectTexts(inputs);
    try {
      const windows = checkedWindows(texts, options.fullWindows ?? false);
      for await (const part of predictWindows(windows, setup)) yield* part;
    } finally {
      await texts.close();
    }
  }

  /**
   * Computes metrics on labelled data. It must have the model's labels; columns default to those of the training data.
   *
   * @throws FinetagError `ERR_FINETAG_DATA` with file and row, `ERR_FINETAG_ABORTED`, `ERR_FINETAG_DISPOSED`.
   */
  async evaluate(data: LabeledData, options: EvaluateOptions = {}): Promise<SplitMetrics> {
    const model = this.#ready();
    const known = { labels: model.labels, columns: this.columns };
    checkEvaluateOptions(options);
    const { source, plan } = await openLabeledData("data", data, known);
    if (plan !== undefined) options.onData?.(plan);
    const { maxLength, thresholds } = this;
    // The loss that it was trained with. A training under way has set its own.
    if (!this.#training) {
      await model.session.setLoss(savedLossConfig(this.#finetag.arguments, this.#source.directory));
    }
    return await evaluateSource(model, source, { maxLength, thresholds, ...options });
  }

  /**
   * Saves the model to a directory that `fromPretrained` reads, here and in Hugging Face's transformers. It replaces an
   * older model there as a whole. It waits for other saves to the same directory.
   *
   * @throws FinetagError `ERR_FINETAG_IO`, also while a run trains into that directory, or `ERR_FINETAG_ARGUMENT` in int8; the older model is then untouched.
   */
  async save(directory: string): Promise<void> {
    const model = this.#opened();
    this.#assertNotInt8("saved");
    const versions = { finetag: VERSION, libtorch: model.libtorch };
    const finetag = { ...this.#finetag, versions };
    await withLock(directory, "saving a model", () => saveModel(directory, model, finetag));
  }

  /** Waits for the running call, then frees all native memory. May be called again. */
  dispose(): Promise<void> {
    this.#scheduler?.close();
    this.#disposal ??= this.#model?.session.dispose() ?? Promise.resolve();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #open(labels: readonly string[]): Promise<OpenModel> {
    const model = await openModel(this.#source, { ...this.#loading, labels });
    if (this.#disposal !== undefined) await model.session.dispose();
    this.#assertAlive();
    this.#model = model;
    this.#scheduler = new Scheduler(model);
    return model;
  }

  #setup(options: PredictOptions): PredictSetup {
    const { labels } = this.#ready();
    checkPredictOptions(options);
    const { maxLength, batchSize, threshold, signal } = options;
    return {
      scheduler: this.#scheduler!,
      labels,
      thresholds: threshold === undefined ? this.thresholds : labels.map(() => threshold),
      maxLength: checkMaxLength(maxLength ?? this.maxLength, this.#source),
      batchSize,
      signal,
    };
  }

  #opened(): OpenModel {
    this.#assertAlive();
    if (this.#model !== undefined) return this.#model;
    throw (
      this.#untrained ??
      new FinetagError(
        "ERR_FINETAG_MODEL",
        `${this.#source.directory}: this model is not trained yet; run \`finetag train\`, or call \`train()\` first`,
      )
    );
  }

  /** The model, where its predictions mean something. */
  #ready(): OpenModel {
    const model = this.#opened();
    const { labels, newHead, multiLabel } = this.#loading;
    if (this.#isTrained) return model;
    // Labels that the caller gave stand for a head that is yet to be trained, as the caller knows.
    if (model.untrained !== undefined && labels === undefined && newHead !== true) throw model.untrained;
    const problem = otherProblem(this.#source.config);
    if (problem !== undefined && multiLabel !== true && newHead !== true)
      throw notMultiLabel(this.#source.directory, problem);
    return model;
  }

  /** A model in int8 no longer has its original weights. */
  #assertNotInt8(done: string): void {
    if (this.#loading.precision !== "int8") return;
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `a model opened with \`precision: int8\` cannot be ${done}; open it with \`precision: float32\``,
      { option: "precision" },
    );
  }

  #assertAlive(): void {
    if (this.#disposal !== undefined) {
      throw new FinetagError(
        "ERR_FINETAG_DISPOSED",
        "this classifier was disposed; open it again with fromPretrained",
      );
    }
  }
}

/** How a split is read, and what may be a mistake in it. */
function* dataEvents(split: "train" | "dev", { plan, warnings }: OpenedData): Generator<TrainEvent, void> {
  if (plan !== undefined) yield { type: "data", split, plan };
  for (const message of warnings) yield { type: "warning", message };
}

/**
 * The labels of the head that the model keeps or is given.
 *
 * @returns An error that says why the model has no head, unless labels were given; undefined for a head that is replaced later.
 */
async function knownLabels(
  source: ModelSource,
  options: LoadOptions,
): Promise<readonly string[] | FinetagError | undefined> {
  if (options.newHead === true) return options.labels;
  const { labels } = source.config;
  if (labels !== undefined) {
    if (options.labels !== undefined) checkSameLabels(options.labels, "`labels`", labels, source.directory);
    return labels;
  }
  if (options.labels !== undefined) return options.labels;
  // A config says little: transformers leaves out two unnamed labels, and gives a number of them even to a bare encoder.
  const survey = await surveyWeights(source);
  try {
    const { match, parameters } = survey;
    if (typeof match.head === "object") throw strangeHead(source.directory, match.head.labels, survey.labels);
    if (match.head === "match") return namesOfLabels(source.config, survey.labels);
    return untrained(source, match, parameters);
  } finally {
    await survey.file.close();
  }
}
