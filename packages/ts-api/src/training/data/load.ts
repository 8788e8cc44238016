import { createHash } from "node:crypto";
import { devSplit } from "../../data/index.ts";
import { encodeRows, type ModelSource, type Split, type TokenStore } from "../../engine/index.ts";
import { FinetagError } from "../../errors/index.ts";
import type { TrainEvent } from "../../report/index.ts";
import { coverageOf, coverageWarning } from "./coverage.ts";
import type { SplitFingerprint } from "./fingerprint.ts";
import type { LeftOut, RowSource } from "./sources.ts";
import type { TokenCache, TokenizedFile } from "./token-cache.ts";

export type SplitName = "train" | "dev" | "test";

export interface LoadedSplit extends Split {
  fingerprint: SplitFingerprint;
}

interface LoadOptions {
  maxLength: number;
  labelCount: number;
  signal: AbortSignal | undefined;
  /** Where tokens of files are cached; no cache if absent. */
  cache?: TokenCache | undefined;
}

/**
 * Reads and tokenizes a source, or takes its tokens from the cache. Reports progress, and warns about empty texts.
 *
 * @throws FinetagError `ERR_FINETAG_DATA` for a source without rows.
 */
export async function* loadSplit(
  name: SplitName,
  source: RowSource,
  model: ModelSource,
  options: LoadOptions,
): AsyncGenerator<TrainEvent, LoadedSplit> {
  const { store, truncated, emptyTexts, leftOut, sha256 } = yield* tokenized(name, source, model, options);
  const { maxLength } = options;
  yield { type: "loading", split: name, rows: store.rows, done: true, truncated, maxLength };
  if (leftOut !== undefined) yield* leftOutWarnings(source.name, leftOut);
  if (emptyTexts > 0) {
    yield warning(`${source.name}: ${emptyTexts} of ${store.rows} texts are empty; the rows are kept`);
  }
  const { coverage } = model.tokenizer;
  const unknown = coverageWarning(source.name, coverageOf(store, coverage), coverage);
  if (unknown !== undefined) yield warning(unknown);
  const rows = Uint32Array.from({ length: store.rows }, (_, row) => row);
  const fingerprint = {
    path: source.name,
    bytes: source.bytes,
    rows: store.rows,
    tokens: store.tokens,
    sha256,
  };
  return { store, rows, fingerprint };
}

async function* tokenized(
  name: SplitName,
  source: RowSource,
  model: ModelSource,
  { maxLength, labelCount, signal, cache }: LoadOptions,
): AsyncGenerator<TrainEvent, TokenizedFile> {
  const encoding = { tokenizer: model.tokenizer, maxLength, vocabSize: model.config.native.vocabSize };
  const entry = source.file && (await cache?.find(source.file, encoding, signal));
  const found = await entry?.read();
  if (typeof found === "object") return found;
  if (found === "damaged")
    yield warning(`${entry!.path}: the cached tokens are damaged; tokenizing the file again`);

  const steps = encodeRows(source.rows(signal), { ...encoding, labelCount, signal });
  let next = await steps.next();
  while (!next.done) {
    yield { type: "loading", split: name, rows: next.value, done: false };
    next = await steps.next();
  }
  const { store, truncated } = next.value;
  if (store.rows === 0) throw noRows(source.name);
  const left = source.leftOut?.() ?? { unlabeled: 0, merged: 0 };
  const made: TokenizedFile = {
    store,
    truncated,
    emptyTexts: source.emptyTexts(),
    sha256: await hashOf(store),
    ...(left.unlabeled + left.merged === 0 ? {} : { leftOut: left }),
  };
  try {
    await entry?.write(made);
  } catch (error) {
    yield warning(
      `cannot cache the tokens of ${source.name}: ${(error as Error).message}; ` +
        "use `tokenCache: false` to turn the cache off, or set FINETAG_CACHE to another folder",
    );
  }
  return made;
}

function* leftOutWarnings(name: string, { unlabeled, merged }: LeftOut): Generator<TrainEvent, void> {
  if (unlabeled > 0) yield warning(`${name}: ${unlabeled} rows have no known label and are left out`);
  if (merged > 0)
    yield warning(`${name}: ${merged} rows have the text of an earlier row and are merged into it`);
}

/** Hash of a store's contents: the same file with other tokens is other data. */
async function hashOf(store: TokenStore): Promise<string> {
  const hash = createHash("sha256");
  await store.updateHash(hash);
  return hash.digest("hex");
}

/** Holds out a random share of the rows. Both parts keep the file's order. */
export function holdOut({ store }: Split, share: number, seed: number): { train: Split; dev: Split } {
  const { train, dev } = devSplit(store.rows, share, seed);
  return { train: { store, rows: train }, dev: { store, rows: dev } };
}

export function noRows(name: string): FinetagError {
  return new FinetagError("ERR_FINETAG_DATA", `${name}: no rows; give at least one`);
}

function warning(message: string): TrainEvent {
  return { type: "warning", message };
}
