import type { OpenModel } from "../../engine/index.ts";
import type { RunMetrics } from "../../report/index.ts";
import type { CheckpointRef } from "./checkpoint.ts";
import type { Progress, RunIdentity } from "./state.ts";

/** An earlier part of a run, from which it continues. */
export interface EarlierPart {
  progress: Progress;
  checkpoint: CheckpointRef;
  /** Differences that may change the last bits of results. */
  warnings: string[];
}

/** Where a run keeps its best model and its checkpoints. The pipeline calls `resume`, then `open`, then the others. */
export interface RunStorage {
  /** Whether `checkpoint` writes any, from which the run could continue. */
  readonly keepsCheckpoints: boolean;
  /**
   * The earlier part of this run; undefined where it starts from the beginning. Writes nothing.
   *
   * @throws FinetagError `ERR_FINETAG_CHECKPOINT` where that part was another run.
   */
  resume(run: RunIdentity): EarlierPart | undefined;
  /**
   * Gets ready to be written to, and puts the weights, moments and step of an earlier part into the session, whose
   * optimizer is set up.
   */
  open(model: OpenModel): Promise<void>;
  /** Keeps the session's weights as the best ones; the SHA-256 of their file, or null if there is no file. */
  saveBest(): Promise<string | null>;
  /** Puts the best weights back into the session. */
  loadBest(): Promise<void>;
  /** Writes a checkpoint; undefined for a storage that keeps none. */
  checkpoint(progress: Progress): Promise<CheckpointRef | undefined>;
  /** Keeps the metrics of a run that came to its end. */
  finish(metrics: RunMetrics): Promise<void>;
}
