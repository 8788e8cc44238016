import { FinetagError } from "../errors/index.ts";

/** The whole state: four unsigned 32-bit integers, ready for JSON. */
export type RandomState = [number, number, number, number];

const MASK = 0xffff_ffff_ffff_ffffn;

/**
 * SplitMix64 (Steele, Lea and Flood 2014; Vigna's splitmix64.c): the next output for a state, and that state.
 */
export function splitMix64(state: bigint): { state: bigint; value: bigint } {
  const next = (state + 0x9e3779b97f4a7c15n) & MASK;
  let z = next;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return { state: next, value: z ^ (z >> 31n) };
}

function toUint64(what: string, value: number): bigint {
  if (Number.isSafeInteger(value)) return BigInt.asUintN(64, BigInt(value));
  throw new FinetagError("ERR_FINETAG_ARGUMENT", `the ${what} ${value} is not an integer below 2^53`);
}

/**
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021), its state
 * filled by SplitMix64 as its authors advise. Period 2^128 - 1. A stream is a sequence of its own below a
 * seed, reached at once: one for each epoch makes an epoch's order a function of seed and epoch alone. The
 * same seed and stream give the same numbers on every platform. It orders data; the engine's dropout has
 * its own counter-based generator.
 */
export class Random {
  // Signed 32-bit inside, as JavaScript's bit operators have it.
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /**
   * @param seed any safe integer
   * @param stream any safe integer
   * @throws {FinetagError} ERR_FINETAG_ARGUMENT if one of them isn't an integer
   */
  constructor(seed: number, stream = 0) {
    const scattered = splitMix64(toUint64("seed", seed)).value;
    const first = splitMix64(scattered ^ toUint64("stream", stream));
    const second = splitMix64(first.state);
    this.#a = Number(BigInt.asIntN(32, first.value));
    this.#b = Number(BigInt.asIntN(32, first.value >> 32n));
    this.#c = Number(BigInt.asIntN(32, second.value));
    this.#d = Number(BigInt.asIntN(32, second.value >> 32n));
  }

  /** A generator that continues from a saved state. */
  static from(state: RandomState): Random {
    const random = new Random(0);
    random.setState(state);
    return random;
  }

  /** An integer in [0, 2^32). */
  nextUint32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** An integer in [0, bound), each equally likely: numbers of an unfinished last round are drawn again. */
  below(bound: number): number {
    const whole = 2 ** 32 - (2 ** 32 % bound);
    let value = this.nextUint32();
    while (value >= whole) value = this.nextUint32();
    return value % bound;
  }

  getState(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** @throws {FinetagError} ERR_FINETAG_CHECKPOINT if it cannot be a result of `getState`. */
  setState(state: RandomState): void {
    const whole = Array.isArray(state) && state.length === 4 && state.every((word) => word === word >>> 0);
    if (!whole || state.every((word) => word === 0)) {
      throw new FinetagError(
        "ERR_FINETAG_CHECKPOINT",
        `${JSON.stringify(state)} is not a state of xoshiro128**; use another checkpoint`,
      );
    }
    [this.#a, this.#b, this.#c, this.#d] = [state[0] | 0, state[1] | 0, state[2] | 0, state[3] | 0];
  }
}

/** Shuffles in place, every order equally likely (Fisher and Yates, from the end); returns the array. */
export function shuffle<T extends unknown[] | Uint32Array | Int32Array>(array: T, random: Random): T {
  for (let i = array.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = array[i]!;
    array[i] = array[j]!;
    array[j] = kept;
  }
  return array;
}

/** The integers from 0 to count - 1 in random order. */
export function permutation(count: number, random: Random): Uint32Array {
  return shuffle(
    Uint32Array.from({ length: count }, (_, i) => i),
    random,
  );
}
