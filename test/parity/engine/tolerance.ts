/**
 * How far the engine may be from transformers.
 *
 * The reference is transformers in float64. transformers in float32 strays from it by rounding alone, and by how much
 * was measured for every tensor: the largest error of five float32 runs that sum in different orders (`peer_error`).
 * The engine does the same arithmetic in float32, in yet another order, so its error is another draw from the same
 * distribution: it may be FACTOR times the peer's. A maximum over few elements can be small by luck, so no tensor is
 * held to less than the median relative error of all tensors of its kind. A wrong formula is off by orders of
 * magnitude more; engine.test.ts shows that for some.
 */
import type { PeerError } from "./golden.ts";

/** What is compared: `FINETAG_TEST_DEVICE`, else the CPU. */
export const DEVICE = process.env.FINETAG_TEST_DEVICE || "cpu";

/**
 * transformers itself, with another instruction set or number of threads, reaches 4.8 (spread.py).
 *
 * A GPU gets twice as much, since `peer_error` was measured on CPUs: CUDA's expf, erff and tanhf are correct to 2 units
 * in the last place where the CPU's vector functions are to 1, and its matrix products split a sum over more parts.
 */
export const FACTOR = DEVICE === "cpu" ? 8 : 16;

/**
 * libtorch's fused AdamW on CUDA takes 1 - beta2 of a float32 beta2: all of exp_avg_sq is too small by this share
 * (1.28e-5 of it with beta2 = 0.999, seen on an H100 and an H200), for every program that uses it.
 */
const CUDA_EXP_AVG_SQ = (1 - 0.999 - (1 - Math.fround(0.999))) / (1 - 0.999);

/** Half a unit in the last place of float32, relative: no float32 result can promise less. */
const ROUNDING = 2 ** -24;

export interface Difference {
  name: string;
  error: number;
  allowed: number;
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function largest(values: ArrayLike<number>): number {
  let result = 0;
  for (let i = 0; i < values.length; i++) result = Math.max(result, Math.abs(values[i]!));
  return result;
}

/** NaN counts as infinitely far. */
export function maxAbsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let result = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    result = Math.max(result, difference);
  }
  return result;
}

/** Compares tensors of one kind (all gradients of a case, all final weights of a run) with the golden ones. */
export class Tolerance {
  readonly #peerErrors: Record<string, PeerError>;
  readonly #medianRelative: number;

  constructor(peerErrors: Record<string, PeerError>, kind: string) {
    const ofKind = Object.entries(peerErrors).filter(([name]) => name.startsWith(kind));
    this.#peerErrors = Object.fromEntries(ofKind);
    this.#medianRelative = median(ofKind.map(([, error]) => error.relative));
  }

  names(): string[] {
    return Object.keys(this.#peerErrors);
  }

  /** What the peer's own float32 error is taken to be, in absolute terms. */
  peerError(name: string, reference: ArrayLike<number>): number {
    const error = this.#peerErrors[name];
    if (!error) throw new Error(`no golden value ${name}`);
    return Math.max(error.max_abs, this.#medianRelative * largest(reference));
  }

  /** `factor` more than FACTOR where `golden` is itself a float32 result and brings an error of its own. */
  compare(
    name: string,
    value: ArrayLike<number>,
    golden: ArrayLike<number>,
    factor: number = FACTOR,
  ): Difference {
    const shift = DEVICE !== "cpu" && name.startsWith("exp_avg_sq/") ? CUDA_EXP_AVG_SQ * largest(golden) : 0;
    const allowed = factor * this.peerError(name, golden) + shift;
    return { name, error: maxAbsDifference(value, golden), allowed };
  }
}

/** The same for a number, or for one of each step. */
export function compareScalars(
  name: string,
  values: number[],
  golden: { reference: number | number[]; peer_error: PeerError },
): Difference {
  const reference = [golden.reference].flat();
  const allowed = FACTOR * Math.max(golden.peer_error.max_abs, ROUNDING * largest(reference));
  return { name, error: maxAbsDifference(values, reference), allowed };
}

export const ratio = (d: Difference): number => (d.error === 0 ? 0 : (d.error / d.allowed) * FACTOR);
