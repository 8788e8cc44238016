import { devSplit } from "../data/index.ts";
import { encodeRows, type ModelSource, type Split } from "../engine/index.ts";
import { FinetagError } from "../errors/index.ts";
import type { TrainEvent } from "./events.ts";
import { fingerprint } from "./fingerprint.ts";
import type { RowSource } from "./sources.ts";
import type { SplitFingerprint } from "./state.ts";

export type SplitName = "train" | "dev" | "test";

export interface LoadedSplit extends Split {
  fingerprint: SplitFingerprint;
}

/**
 * Reads and tokenizes a source, telling how far it is; warns of empty and of cut texts.
 *
 * @throws FinetagError `ERR_FINETAG_DATA` for a source without rows.
 */
export async function* loadSplit(
  name: SplitName,
  source: RowSource,
  model: ModelSource,
  options: { maxLength: number; labelCount: number; signal: AbortSignal | undefined },
): AsyncGenerator<TrainEvent, LoadedSplit> {
  const steps = encodeRows(source.rows(options.signal), {
    encoder: model.encoder,
    vocabSize: model.config.native.vocabSize,
    ...options,
  });
  let next = await steps.next();
  while (!next.done) {
    yield { type: "loading", split: name, rows: next.value, done: false };
    next = await steps.next();
  }
  const { store, truncated } = next.value;
  if (store.rows === 0) throw noRows(source.name);
  yield { type: "loading", split: name, rows: store.rows, done: true };
  const empty = source.emptyTexts();
  if (empty > 0) {
    yield warning(`${source.name}: ${empty} of ${store.rows} texts are empty; the rows are kept`);
  }
  if (truncated > 0) {
    yield warning(
      `${source.name}: ${truncated} of ${store.rows} texts are longer than ${options.maxLength} tokens and are cut`,
    );
  }
  const rows = Uint32Array.from({ length: store.rows }, (_, row) => row);
  return { store, rows, fingerprint: await fingerprint(source, store) };
}

/** Holds out a random share of the rows. Both parts keep the file's order. */
export function holdOut({ store }: Split, share: number, seed: number): { train: Split; dev: Split } {
  const { train, dev } = devSplit(store.rows, share, seed);
  return { train: { store, rows: train }, dev: { store, rows: dev } };
}

export function noRows(name: string): FinetagError {
  return new FinetagError("ERR_FINETAG_DATA", `${name}: there are no rows in it; give a file with data`);
}

function warning(message: string): TrainEvent {
  return { type: "warning", message };
}
