import type { PackedBatch } from "@finetag/core-native";
import { Random } from "../../data/index.ts";
import { type Split, yieldToEventLoop } from "../../engine/index.ts";
import { groupByLength } from "./group-by-length.ts";
import { locateStep, type StepPlan } from "./plan.ts";

/** The micro-batches of one optimizer step, ready for the engine. */
export interface StepBatches {
  batches: PackedBatch[];
  rows: number;
  tokens: number;
}

export interface OrderOptions {
  seed: number;
  /** Put texts of similar length into the same step. */
  groupByLength: boolean;
}

/**
 * The batches of any step, in any order: each epoch's order of rows depends only on the seed, the epoch and the rows'
 * lengths, so a resumed run needs only the step number to continue with the same batches.
 *
 * An epoch's order is computed during the previous epoch; only the first step has to wait for it.
 */
export class BatchStream {
  readonly #split: Split;
  readonly #plan: StepPlan;
  readonly #options: OrderOptions;
  /** Finished and pending orders by epoch: the current one and the next. */
  readonly #orders = new Map<number, Promise<Uint32Array>>();

  constructor(split: Split, plan: StepPlan, options: OrderOptions) {
    this.#split = split;
    this.#plan = plan;
    this.#options = options;
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

  async #order(epoch: number): Promise<Uint32Array> {
    for (const made of this.#orders.keys()) {
      if (made !== epoch && made !== epoch + 1) this.#orders.delete(made);
    }
    const order = await this.#ordered(epoch);
    const { stepsPerEpoch, totalSteps } = this.#plan;
    if ((epoch + 1) * stepsPerEpoch < totalSteps) void this.#ordered(epoch + 1);
    return order;
  }

  #ordered(epoch: number): Promise<Uint32Array> {
    const known = this.#orders.get(epoch);
    if (known !== undefined) return known;
    const order = this.#draw(new Random(this.#options.seed, epoch));
    this.#orders.set(epoch, order);
    return order;
  }

  async #draw(random: Random): Promise<Uint32Array> {
    const { rows, store } = this.#split;
    const { batchSize, accumulation } = this.#plan;
    const order = await shuffled(rows, random);
    if (this.#options.groupByLength) await groupByLength(order, batchSize * accumulation, store, random);
    return order;
  }
}

/** Swaps per turn of the event loop: a few milliseconds. */
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
