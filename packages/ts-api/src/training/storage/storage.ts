import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type OpenModel, saveModel } from "../../engine/index.ts";
import { sha256File } from "../../io/index.ts";
import type { FinetagJson } from "../../models/index.ts";
import { openSafetensors } from "../../weights/index.ts";
import { BEST, type CheckpointRef, loadWeights, pruneCheckpoints, writeCheckpoint } from "./checkpoint.ts";
import type { TrainState } from "./state.ts";

/** Where a run keeps its best model and its checkpoints. */
export interface RunStorage {
  /** Keeps the session's weights as the best ones; the SHA-256 of their file, or null where there is none. */
  saveBest(): Promise<string | null>;
  /** Puts the best weights back into the session. */
  loadBest(): Promise<void>;
  /** Writes a checkpoint; undefined where the storage keeps none. */
  checkpoint(state: TrainState): Promise<CheckpointRef | undefined>;
}

/** For programs that keep the model in the process: best weights in memory, no checkpoints. */
export class MemoryStorage implements RunStorage {
  readonly #model: OpenModel;
  readonly #best = new Map<string, Float32Array>();

  constructor(model: OpenModel) {
    this.#model = model;
  }

  async saveBest(): Promise<null> {
    const { session, parameters } = this.#model;
    for (const { name } of parameters) this.#best.set(name, await session.readTensor("weight", name));
    return null;
  }

  async loadBest(): Promise<void> {
    for (const [name, data] of this.#best) await this.#model.session.writeTensor("weight", name, data);
  }

  async checkpoint(): Promise<undefined> {}
}

/** The best model in the directory itself, checkpoints in `checkpoints/` below it. */
export class DirectoryStorage implements RunStorage {
  readonly #directory: string;
  readonly #model: OpenModel;
  readonly #finetag: FinetagJson;
  readonly #keep: number;

  constructor(directory: string, model: OpenModel, finetag: FinetagJson, keepCheckpoints: number) {
    this.#directory = directory;
    this.#model = model;
    this.#finetag = finetag;
    this.#keep = keepCheckpoints;
  }

  async saveBest(): Promise<string> {
    await saveModel(this.#directory, this.#model, this.#finetag);
    return sha256File(this.#weights);
  }

  async loadBest(): Promise<void> {
    await loadWeights(this.#weights, this.#model.session, this.#model.parameters);
  }

  async checkpoint(state: TrainState): Promise<CheckpointRef> {
    const folder = checkpointFolder(this.#directory);
    const best = state.best === null ? undefined : this.#weights;
    const written = await writeCheckpoint(folder, this.#model, state, best);
    await pruneCheckpoints(folder, this.#keep, state.step);
    return written;
  }

  /**
   * Puts the best model back as a checkpoint knows it. The directory may hold a later one: a killed run saves
   * the best model before the checkpoint that records it, and the steps in between are taken again.
   */
  async restoreBest(checkpoint: string, state: TrainState): Promise<void> {
    if (state.best === null) return;
    const there = await stat(this.#weights).catch(() => undefined);
    if (there !== undefined && (await sha256File(this.#weights)) === state.best.sha256) return;
    const file = await openSafetensors(join(checkpoint, BEST));
    try {
      const tensors = this.#model.parameters.map(({ name, shape }) => ({
        name,
        shape,
        read: () => file.read(name),
      }));
      await saveModel(this.#directory, this.#model, this.#finetag, tensors);
    } finally {
      await file.close();
    }
  }

  get #weights(): string {
    return join(this.#directory, "model.safetensors");
  }
}

export function checkpointFolder(outputDir: string): string {
  return join(outputDir, "checkpoints");
}
