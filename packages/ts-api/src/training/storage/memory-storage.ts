import type { OpenModel } from "../../engine/index.ts";
import type { RunStorage } from "./storage.ts";

/** For models that stay in memory: keeps the best weights, writes no checkpoints, and has nothing to resume. */
export class MemoryStorage implements RunStorage {
  readonly keepsCheckpoints = false;
  #model: OpenModel | undefined;
  readonly #best = new Map<string, Float32Array>();

  resume(): undefined {}

  async open(model: OpenModel): Promise<void> {
    this.#model = model;
  }

  async saveBest(): Promise<null> {
    const { session, parameters } = this.#model!;
    for (const { name } of parameters) this.#best.set(name, await session.readTensor("weight", name));
    return null;
  }

  async loadBest(): Promise<void> {
    for (const [name, data] of this.#best) await this.#model!.session.writeTensor("weight", name, data);
  }

  async checkpoint(): Promise<undefined> {}

  async finish(): Promise<void> {}
}
