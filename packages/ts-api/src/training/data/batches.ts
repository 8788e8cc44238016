import type { PackedBatch } from "@finetag/core-native";
import { Random } from "../../data/index.ts";
import { type Split, yieldToEventLoop } from "../../engine/index.ts";
import { groupByLength } from "./group-by-length.ts";
import { locateStep, type StepPlan } from "./plan.ts";

/** The micro-batches of one optimizer step, ready to be sent. */
export interface StepBatches {
  batches: PackedBatch[];
  rows: number;
  tokens: number;
}

export interface OrderOptions {
  seed: number;
  /** Put texts of about one length into a step. */
  groupByLength: boolean;
}

/**
 * The batches of any step, in any order: each epoch's order of rows is a function of the seed, the epoch and the rows'
 * lengths alone, so a resumed run needs nothing but the step to go on with the same batches.
 *
 * An epoch's order is made while the epoch before it trains; nobody waits for it but the first step.
 */
export class BatchStream {
  readonly #split: Split;
  readonly #plan: StepPlan;
  readonly #options: OrderOptions;
  /** Orders under way or made, by epoch: the current one and the next. */
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
