/** A window that holds something is not kept waiting longer than this for more. */
const PATIENCE_MS = 50;

/**
 * Cuts a stream into windows of at most `size`. A slow stream gives smaller ones, so that what
 * has come is not held back by what has not.
 */
export async function* windows<T>(inputs: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  const iterator = inputs[Symbol.asyncIterator]();
  let window: T[] = [];
  let next: Promise<IteratorResult<T>> | undefined;
  try {
    for (;;) {
      next ??= iterator.next();
      const result = window.length === 0 ? await next : await orLate(next);
      if (result === LATE) {
        yield window;
        window = [];
        continue;
      }
      next = undefined;
      if (result.done) break;
      window.push(result.value);
      if (window.length < size) continue;
      yield window;
      window = [];
    }
    if (window.length > 0) yield window;
  } finally {
    // A source that waits for input would answer `return` only after that input; nobody waits for it.
    next?.catch(() => {});
    if (next === undefined) await iterator.return?.();
    else iterator.return?.().catch(() => {});
  }
}

const LATE = Symbol("late");

async function orLate<T>(next: Promise<T>): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, LATE);
  });
  try {
    return await Promise.race([next, late]);
  } finally {
    clearTimeout(timer);
  }
}
