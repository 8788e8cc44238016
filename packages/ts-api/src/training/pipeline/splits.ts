import type { ModelSource, OpenModel } from "../../engine/index.ts";
import { FinetagError } from "../../errors/index.ts";
import type { ResolvedFitOptions } from "../../options/index.ts";
import type { TrainEvent } from "../../report/index.ts";
import { holdOut, type LoadedSplit, loadSplit, type RowSource, type TokenCache } from "../data/index.ts";

/** Rows by purpose. */
export interface Sources {
  train: RowSource;
  dev: RowSource | undefined;
  test?: RowSource | undefined;
}

/** Tokenized rows by purpose. */
export interface Splits {
  train: LoadedSplit;
  dev: LoadedSplit | undefined;
  test: LoadedSplit | undefined;
}

/** @throws FinetagError `ERR_FINETAG_ARGUMENT` for dev data that is missing or given twice. */
export function checkDevData(
  { dev }: Sources,
  { devSplit, earlyStopping }: Pick<ResolvedFitOptions, "devSplit" | "earlyStopping">,
): void {
  if (dev !== undefined && devSplit !== undefined) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `both \`devSplit\` and ${dev.file === undefined ? "dev rows" : `the dev file ${dev.name}`} are given; give one of them`,
      { option: "devSplit" },
    );
  }
  if (dev === undefined && devSplit === undefined && earlyStopping !== undefined) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      "`earlyStopping` needs dev data; give `dev` or `devSplit`",
      { option: "earlyStopping" },
    );
  }
}

/**
 * Loads the rows of a run, and holds out some of them as dev data if the options ask for it.
 *
 * @param opening The model. If it cannot be opened, loading ends at once with its error.
 */
export async function* loadSplits(
  sources: Sources,
  source: ModelSource,
  opening: Promise<OpenModel>,
  options: Pick<ResolvedFitOptions, "maxLength" | "devSplit" | "seed"> & { labelCount: number },
  cache: TokenCache | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainEvent, Splits> {
  const { maxLength, labelCount, devSplit, seed } = options;
  const failed = new AbortController();
  opening.catch(() => failed.abort());
  const signals = signal === undefined ? [failed.signal] : [failed.signal, signal];
  const loading = { maxLength, labelCount, signal: AbortSignal.any(signals), cache };
  async function* load(name: "train" | "dev" | "test") {
    const rows = sources[name];
    return rows === undefined ? undefined : yield* loadSplit(name, rows, source, loading);
  }
  try {
    const train = (yield* load("train"))!;
    const dev = yield* load("dev");
    const test = yield* load("test");
    if (devSplit === undefined) return { train, dev, test };
    const { fingerprint } = train;
    const parts = holdOut(train, devSplit, seed);
    return { train: { ...parts.train, fingerprint }, dev: { ...parts.dev, fingerprint }, test };
  } catch (error) {
    if (failed.signal.aborted) await opening;
    throw error;
  }
}

/** Number of tokens of a split, which may be a part of its store. */
export function tokensOf({ store, rows }: LoadedSplit): number {
  return rows.length === store.rows ? store.tokens : rows.reduce((sum, row) => sum + store.length(row), 0);
}
