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

/** Stores a run's best model and checkpoints. The pipeline calls `resume`, then `open`, then the others. */
export interface RunStorage {
  /** Whether `checkpoint` writes checkpoints from which the run can continue. */
  readonly keepsCheckpoints: boolean;
  /**
   * The earlier part of this run; undefined if it starts from the beginning. Writes nothing.
   *
   * @throws FinetagError `ERR_FINETAG_CHECKPOINT` if the checkpoint is of another run.
   */
  resume(run: RunIdentity): EarlierPart | undefined;
  /**
   * Prepares for writing, and restores the weights, moments and step of an earlier part in the session, whose optimizer is
   * already set up.
   */
  open(model: OpenModel): Promise<void>;
  /** Stores the session's weights as the best ones. Returns the SHA-256 of their file, or null if there is no file. */
  saveBest(): Promise<string | null>;
  /** Restores the best weights in the session. */
  loadBest(): Promise<void>;
  /** Writes a checkpoint; undefined for a storage without checkpoints. */
  checkpoint(progress: Progress): Promise<CheckpointRef | undefined>;
  /** Stores the metrics of a finished run. */
  finish(metrics: RunMetrics): Promise<void>;
}
