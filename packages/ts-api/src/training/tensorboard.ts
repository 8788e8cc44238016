import { join } from "node:path";
import { TensorBoardWriter } from "../report/index.ts";
import type { TrainEvent } from "./events.ts";

/** Writes a run's events as TensorBoard scalars; a resumed run goes on in the same folder. */
export class TensorBoardLog {
  readonly #writer: TensorBoardWriter;
  readonly #logEvery: number;

  private constructor(writer: TensorBoardWriter, logEvery: number) {
    this.#writer = writer;
    this.#logEvery = logEvery;
  }

  /** @param step 0, or the step that a resumed run starts after */
  static async open(outputDir: string, logEvery: number, step: number): Promise<TensorBoardLog> {
    const options = step === 0 ? {} : { resumedAfterStep: step };
    return new TensorBoardLog(await TensorBoardWriter.open(join(outputDir, "runs"), options), logEvery);
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
    await this.#writer.close();
  }

  #scalars(prefix: string, step: number, values: object): Promise<void> {
    const tagged = Object.entries(values)
      .filter(([name, value]) => typeof value === "number" && name !== "rows")
      .map(([name, value]): [string, number] => [`${prefix}/${name}`, value]);
    return this.#writer.scalars(Object.fromEntries(tagged), step);
  }
}
