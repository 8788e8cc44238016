import type { PackedBatch } from "@finetag/core-native";
import { Random } from "../data/index.ts";
import { type Split, yieldToEventLoop } from "../engine/index.ts";
import { locateStep, type StepPlan } from "./plan.ts";

/** The micro-batches of one optimizer step. */
export interface StepBatches {
  batches: PackedBatch[];
  rows: number;
  tokens: number;
}

/**
 * The batches of any step, in any order: each epoch's order of rows is a function of (seed, epoch) alone,
 * so a resumed run needs nothing but the step to go on with the same batches.
 */
export class BatchStream {
  readonly #split: Split;
  readonly #plan: StepPlan;
  readonly #seed: number;
  #epoch: { index: number; order: Promise<Uint32Array> } | undefined;

  constructor(split: Split, plan: StepPlan, seed: number) {
    this.#split = split;
    this.#plan = plan;
    this.#seed = seed;
  }

  /** @param step counted from 0 */
  async step(step: number): Promise<StepBatches> {
    const { epoch, position } = locateStep(this.#plan, step);
    const order = await this.#order(epoch);
    const { accumulation, batchesPerEpoch, batchSize } = this.#plan;
    const result: StepBatches = { batches: [], rows: 0, tokens: 0 };
    const end = Math.min((position + 1) * accumulation, batchesPerEpoch);
    for (let i = position * accumulation; i < end; i++) {
      const rows = order.subarray(i * batchSize, (i + 1) * batchSize);
      const batch = this.#split.store.pack(rows, true);
      result.batches.push(batch);
      result.rows += rows.length;
      result.tokens += batch.ids.length;
    }
    return result;
  }

  #order(epoch: number): Promise<Uint32Array> {
    if (this.#epoch?.index !== epoch) {
      this.#epoch = { index: epoch, order: shuffled(this.#split.rows, new Random(this.#seed, epoch)) };
    }
    return this.#epoch.order;
  }
}

/** Swaps between two turns of the event loop: a few milliseconds. */
const SWAPS_PER_TURN = 1 << 17;

/** Every order equally likely (Fisher and Yates); a copy. */
async function shuffled(rows: Uint32Array, random: Random): Promise<Uint32Array> {
  const order = rows.slice();
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
    if (i % SWAPS_PER_TURN === 0) await yieldToEventLoop();
  }
  return order;
}
