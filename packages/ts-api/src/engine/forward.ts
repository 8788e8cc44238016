import type { ForwardResult } from "@finetag/core-native";
import { throwIfAborted } from "./abort.ts";
import { batchesByLength } from "./lengths.ts";
import type { ModelSession } from "./session.ts";
import type { TokenStore } from "./store.ts";

export interface ForwardOptions {
  /** Most texts in a batch. */
  batchSize: number;
  /** Most tokens in a batch; a longer text goes alone. */
  maxTokens?: number;
  /** Send labels along, for the loss. */
  withLabels: boolean;
  signal?: AbortSignal;
}

/** The result of a batch: row i of its `[B, L]` logits belongs to `rows[positions[i]]`. */
export interface ForwardPart {
  positions: Uint32Array;
  result: ForwardResult;
}

/**
 * Runs rows of a store through the model, longest first, so that texts of a batch have about one length
 * and memory runs out at the start if ever. The next batch is sent before a result is awaited: the engine
 * never idles.
 */
export async function* forwardRows(
  session: ModelSession,
  store: TokenStore,
  rows: Uint32Array,
  options: ForwardOptions,
): AsyncGenerator<ForwardPart> {
  let previous: (() => Promise<ForwardPart>) | undefined;
  for (const positions of batchesByLength(store, rows, options.batchSize, options.maxTokens ?? Infinity)) {
    throwIfAborted(options.signal);
    const batch = store.pack(
      positions.map((position) => rows[position]!),
      options.withLabels,
    );
    const running = session.forward(batch);
    running.catch(() => {}); // it is rethrown where it is awaited; nobody awaits it after an early return
    if (previous !== undefined) yield await previous();
    previous = async () => ({ positions, result: await running });
  }
  if (previous !== undefined) yield await previous();
}
