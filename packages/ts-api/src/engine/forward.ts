import type { ForwardResult } from "@finetag/core-native";
import { throwIfAborted } from "../errors/index.ts";
import { readAhead } from "./read-ahead.ts";
import type { ModelSession } from "./session.ts";
import { batchesByLength, type Split } from "./store/index.ts";

/**
 * Tokens per batch. A batch's cost depends on its tokens, not on its texts: this many keep the threads busy, while the
 * activations still fit into a CPU's caches. More took longer on the CPU; a GPU needs more to be busy.
 */
const CPU_BATCH_TOKENS = 2048;
const GPU_BATCH_TOKENS = 16_384;

/** Maximum number of tokens per batch on a device, `cpu` or `cuda:n`; a longer text gets its own batch. */
export function batchTokens(device: string): number {
  return device === "cpu" ? CPU_BATCH_TOKENS : GPU_BATCH_TOKENS;
}

export interface ForwardOptions {
  /** Decides the size of a batch; see {@link batchTokens}. */
  device: string;
  /** Maximum number of texts per batch. Default: as many as the tokens allow. */
  batchSize?: number;
  /** Include labels, for the loss. */
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
 * Runs windows of texts through the model, the longest texts of each window first, so that texts of a batch have similar
 * lengths, and memory runs out at the start if at all. While a batch is computed, the next one is queued in the session,
 * even across windows: the engine never idles as long as there are windows.
 *
 * @throws FinetagError `ERR_FINETAG_ABORTED` within one batch after the signal.
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
      running.catch(() => {}); // rethrown where it is awaited; after an early return it is never awaited
      yield { window, positions, running };
    }
  }
}
