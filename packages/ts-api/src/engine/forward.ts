import type { ForwardResult } from "@finetag/core-native";
import { throwIfAborted } from "../errors/index.ts";
import { readAhead } from "./read-ahead.ts";
import type { ModelSession } from "./session.ts";
import { batchesByLength, type Split } from "./store/index.ts";

/**
 * Tokens of a batch. A batch's cost goes by its tokens, not by its texts: this many keep the threads busy, while the
 * activations of a CPU stay in its caches. More took longer on the CPU; a GPU has more to keep busy.
 */
const CPU_BATCH_TOKENS = 2048;
const GPU_BATCH_TOKENS = 16_384;

/** Most tokens of a batch on a device, `cpu` or `cuda:n`; a longer text goes alone. */
export function batchTokens(device: string): number {
  return device === "cpu" ? CPU_BATCH_TOKENS : GPU_BATCH_TOKENS;
}

export interface ForwardOptions {
  /** Sets the size of a batch; see {@link batchTokens}. */
  device: string;
  /** Most texts in a batch; absent: as many as the tokens allow. */
  batchSize?: number;
  /** Send labels along, for the loss. */
  withLabels: boolean;
  signal?: AbortSignal;
}

/** The result of a batch: row i of its `[B, L]` logits belongs to `window.rows[positions[i]]`. */
export interface ForwardPart<Window extends Split> {
  window: Window;
  positions: Uint32Array;
  result: ForwardResult;
}

/**
 * Runs windows of texts through the model, in each the longest first, so that texts of a batch have about one length
 * and memory runs out at the start if ever. While one batch is computed the next one waits in the session, also over
 * the end of a window: the engine never idles as long as there are windows.
 *
 * @throws FinetagError `ERR_FINETAG_ABORTED` within a batch after the signal.
 */
export async function* forwardWindows<Window extends Split>(
  session: ModelSession,
  windows: AsyncIterable<Window> | Iterable<Window>,
  options: ForwardOptions,
): AsyncGenerator<ForwardPart<Window>, void> {
  for await (const { running, ...batch } of readAhead(sendBatches(session, windows, options))) {
    yield { ...batch, result: await running };
  }
}

async function* sendBatches<Window extends Split>(
  session: ModelSession,
  windows: AsyncIterable<Window> | Iterable<Window>,
  { device, batchSize = Number.POSITIVE_INFINITY, withLabels, signal }: ForwardOptions,
) {
  const maxTokens = batchTokens(device);
  for await (const window of windows) {
    const { store, rows } = window;
    for (const positions of batchesByLength(store, rows, batchSize, maxTokens)) {
      throwIfAborted(signal);
      const batch = store.pack(
        positions.map((position) => rows[position]!),
        withLabels,
      );
      const running = session.forward(batch);
      running.catch(() => {}); // rethrown where it is awaited; nobody awaits it after an early return
      yield { window, positions, running };
    }
  }
}
