import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DataColumns } from "../../data/index.ts";
import { type OpenModel, saveModel } from "../../engine/index.ts";
import { ioError, isNotFound, sha256File, syncFile, writeFileAtomic } from "../../io/index.ts";
import type { FinetagJson } from "../../models/index.ts";
import { keptOnResume, type ResolvedTrainOptions, type TrainOptions } from "../../options/index.ts";
import { HISTORY, type RunMetrics } from "../../report/index.ts";
import { openSafetensors } from "../../weights/index.ts";
import {
  BEST,
  type CheckpointRef,
  loadCheckpoint,
  loadWeights,
  newestCheckpoint,
  pruneCheckpoints,
  writeCheckpoint,
} from "./checkpoint.ts";
import { compareWithCheckpoint } from "./compare.ts";
import { checkpointFolder, openOutputDirectory } from "./directory.ts";
import { finetagJson, recordedOptions } from "./settings.ts";
import { type Progress, progressOf, type RunIdentity, type TrainState } from "./state.ts";
import type { EarlierPart, RunStorage } from "./storage.ts";

/** The best model in the directory itself, checkpoints in `checkpoints/` below it. */
export class DirectoryStorage implements RunStorage {
  readonly keepsCheckpoints = true;
  #options: ResolvedTrainOptions;
  readonly #columns: DataColumns;
  #found: { path: string; state: TrainState } | undefined;
  #run: RunIdentity | undefined;
  #model: OpenModel | undefined;

  /** @param columns Columns of the training file; stored in finetag.json. */
  constructor(options: ResolvedTrainOptions, columns: DataColumns) {
    this.#options = options;
    this.#columns = columns;
  }

  /**
   * Looks for the checkpoint to continue from, if the options ask to resume; {@link options} may then differ.
   *
   * @param asked The options as the caller gave them.
   * @returns Warnings about damaged checkpoints, and one if no checkpoint is left to continue from.
   */
  async findCheckpoint(asked: TrainOptions): Promise<string[]> {
    if (!this.#options.resume) return [];
    const warnings: string[] = [];
    const folder = checkpointFolder(this.#options.outputDir);
    this.#found = await newestCheckpoint(folder, (message) => warnings.push(message));
    if (this.#found === undefined) {
      warnings.push(`${folder}: no complete checkpoint found; the run starts from the beginning`);
    } else this.#options = { ...this.#options, ...keptOnResume(asked, this.#found.state.options) };
    return warnings;
  }

  /** The options of the run. */
  get options(): ResolvedTrainOptions {
    return this.#options;
  }

  /** Whether weights come from a checkpoint, so the model's need not be loaded. */
  get hasCheckpoint(): boolean {
    return this.#found !== undefined;
  }

  resume(run: RunIdentity): EarlierPart | undefined {
    this.#run = run;
    if (this.#found === undefined) return undefined;
    const { path, state } = this.#found;
    const warnings = compareWithCheckpoint(path, state, { ...run, options: this.#options });
    return { progress: progressOf(state), checkpoint: { step: state.step, path }, warnings };
  }

  async open(model: OpenModel): Promise<void> {
    this.#model = model;
    await openOutputDirectory(this.#options.outputDir, this.#options);
    if (this.#found === undefined) return;
    const { path, state } = this.#found;
    await loadCheckpoint(path, model.session, model.parameters, state.step);
    await this.#restoreBest(path, state);
    // A killed run may have left one more than it keeps.
    await pruneCheckpoints(dirname(path), this.#options.keepCheckpoints, state.step);
  }

  async saveBest(): Promise<string> {
    await saveModel(this.#options.outputDir, this.#model!, this.#finetag());
    return sha256File(this.#weights);
  }

  async loadBest(): Promise<void> {
    await loadWeights(this.#weights, this.#model!.session, this.#model!.parameters);
  }

  async checkpoint(progress: Progress): Promise<CheckpointRef> {
    const folder = checkpointFolder(this.#options.outputDir);
    const state = { version: 1 as const, ...progress, options: this.#options, ...this.#run! };
    await this.#syncHistory();
    const best = progress.best === null ? undefined : this.#weights;
    const written = await writeCheckpoint(folder, this.#model!, state, best);
    await pruneCheckpoints(folder, this.#options.keepCheckpoints, progress.step);
    return written;
  }

  async finish(metrics: RunMetrics): Promise<void> {
    const path = join(this.#options.outputDir, "metrics.json");
    await writeFileAtomic(path, `${JSON.stringify(metrics, null, 2)}\n`);
  }

  /**
   * Restores the best model of a checkpoint. The directory may have a later one: a killed run saves the best model before
   * the checkpoint that records it, and the steps in between are taken again.
   */
  async #restoreBest(checkpoint: string, { best }: TrainState): Promise<void> {
    if (best === null) return;
    const there = await stat(this.#weights).catch(() => undefined);
    if (there !== undefined && (await sha256File(this.#weights)) === best.sha256) return;
    const file = await openSafetensors(join(checkpoint, BEST));
    try {
      const tensors = this.#model!.parameters.map(({ name, shape }) => ({
        name,
        shape,
        read: () => file.read(name),
      }));
      await saveModel(this.#options.outputDir, this.#model!, this.#finetag(), tensors);
    } finally {
      await file.close();
    }
  }

  /** A checkpoint is durable only after the history up to its step: a resumed run does not write those entries again. */
  async #syncHistory(): Promise<void> {
    const path = join(this.#options.outputDir, HISTORY);
    await syncFile(path).catch((error) => {
      if (!isNotFound(error)) throw ioError(error, "write", path);
    });
  }

  #finetag(): FinetagJson {
    return finetagJson(recordedOptions(this.#options), this.#columns, this.#run!.versions);
  }

  get #weights(): string {
    return join(this.#options.outputDir, "model.safetensors");
  }
}
