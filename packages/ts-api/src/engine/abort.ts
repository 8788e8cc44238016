/** Callbacks per signal. They share one listener, since Node warns of a leak from the eleventh listener on. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once the signal aborts; any number of callbacks may wait for it.
 *
 * @returns a function that removes the callback
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
