import { usableCores } from "@finetag/core-native";

let asked: number | undefined;
let isMade = false;

/**
 * How many threads the Rust core's pool gets; undefined leaves the number as it is, at first one for each usable core. The
 * process has one pool, made when its first batch is encoded and kept: what is asked for later changes nothing.
 * RAYON_NUM_THREADS of the user wins.
 */
export function askForTokenizerThreads(threads: number | undefined): void {
  asked = threads ?? asked;
}

/** Threads that may encode at once outside the pool. */
export function tokenizerThreads(): number {
  return asked ?? usableCores();
}

/** `encode` may be what makes the pool: the core reads the number from the environment then, on a thread of its own. */
export async function withPool<T>(encode: () => Promise<T>): Promise<T> {
  const { env } = process;
  if (isMade || env.RAYON_NUM_THREADS !== undefined) return encode();
  env.RAYON_NUM_THREADS = String(tokenizerThreads());
  try {
    return await encode();
  } finally {
    isMade = true;
    delete env.RAYON_NUM_THREADS;
  }
}
