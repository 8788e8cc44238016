/** What waits for each signal: one listener serves all, since Node warns of a leak from the eleventh on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once the signal is given, however many wait for it.
 *
 * @returns what takes the callback off again
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = waiting.get(signal);
  const callbacks = known ?? new Set();
  callbacks.add(callback);
  if (known === undefined) {
    waiting.set(signal, callbacks);
    const callAll = () => {
      for (const call of callbacks) call();
    };
    signal.addEventListener("abort", callAll, { once: true });
  }
  return () => callbacks.delete(callback);
}
