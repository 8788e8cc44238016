import { join } from "node:path";
import type { TensorBoardWriter } from "../../report/index.ts";
import type { TrainEvent } from "../events.ts";

/**
 * Writes a run's events as TensorBoard scalars; a resumed run goes on in the same folder. The writer is loaded and its
 * file opened at the first event to be written, for which the first step need not wait.
 */
export class TensorBoardLog {
  readonly #outputDir: string;
  readonly #logEvery: number;
  readonly #step: number;
  #writer: Promise<TensorBoardWriter> | undefined;

  /** @param step 0, or the step that a resumed run starts after */
  constructor(outputDir: string, logEvery: number, step: number) {
    this.#outputDir = outputDir;
    this.#logEvery = logEvery;
    this.#step = step;
  }

  async record(event: TrainEvent): Promise<void> {
    if (event.type === "step") {
      const due = event.step % this.#logEvery === 0 || event.step === event.totalSteps || event.step === 1;
      if (!due) return;
      const { loss, learningRate, gradNorm, samplesPerSecond, tokensPerSecond, epoch } = event;
      await this.#scalars("train", event.step, {
        loss,
        learning_rate: learningRate,
        grad_norm: gradNorm,
        samples_per_second: samplesPerSecond,
        tokens_per_second: tokensPerSecond,
        epoch,
      });
    } else if (event.type === "evaluation") {
      await this.#scalars(event.split, event.step, event.metrics);
    }
  }

  async close(): Promise<void> {
    const writer = await this.#writer?.catch(() => undefined);
    await writer?.close();
  }

  async #open(): Promise<TensorBoardWriter> {
    const { TensorBoardWriter } = await import("../../report/index.ts");
    const options = this.#step === 0 ? {} : { resumedAfterStep: this.#step };
    return TensorBoardWriter.open(join(this.#outputDir, "runs"), options);
  }

  async #scalars(prefix: string, step: number, values: object): Promise<void> {
    const tagged = Object.entries(values)
      .filter(([name, value]) => typeof value === "number" && name !== "rows")
      .map(([name, value]): [string, number] => [`${prefix}/${name}`, value]);
    this.#writer ??= this.#open();
    await (await this.#writer).scalars(Object.fromEntries(tagged), step);
  }
}
