import { join } from "node:path";
import type { TrainEvent } from "../events.ts";
import type { RunObserver } from "../observer.ts";
import { startTexts } from "./texts.ts";
import type { TensorBoardWriter } from "./writer.ts";

type StartEvent = Extract<TrainEvent, { type: "start" }>;

/**
 * Writes a run as TensorBoard scalars and texts, into `runs/` of its output directory; a resumed run continues in the
 * same folder. The writer is loaded, and its file opened, after the first step, so that the step does not wait for it.
 */
export class TensorBoardObserver implements RunObserver {
  readonly #outputDir: string;
  readonly #logEvery: number;
  /** Until the writer is open. */
  readonly #warnings: string[] = [];
  #start: StartEvent | undefined;
  #step = 0;
  #opening: Promise<TensorBoardWriter> | undefined;

  /** @param logEvery Steps between two entries. */
  constructor(outputDir: string, logEvery: number) {
    this.#outputDir = outputDir;
    this.#logEvery = logEvery;
  }

  async record(event: TrainEvent): Promise<void> {
    switch (event.type) {
      case "start":
        this.#start = event;
        this.#step = event.step;
        break;
      case "warning":
        if (this.#opening === undefined) this.#warnings.push(event.message);
        else await (await this.#opening).text("run/warnings", event.message, this.#step);
        break;
      case "step":
        this.#step = event.step;
        if (event.step % this.#logEvery === 0 || event.step === event.totalSteps || event.step === 1)
          await this.#scalars("train", event.step, {
            loss: event.loss,
            learning_rate: event.learningRate,
            grad_norm: event.gradNorm,
            samples_per_second: event.samplesPerSecond,
            tokens_per_second: event.tokensPerSecond,
            epoch: event.epoch,
          });
        break;
      case "evaluation":
        await this.#scalars(event.split, event.step, event.metrics);
        break;
      case "stop":
        await (await this.#writer())?.text("run/stop", event.message, event.step);
        break;
      case "end":
        await this.#writer();
        break;
    }
  }

  async close(): Promise<void> {
    const writer = await this.#opening?.catch(() => undefined);
    await writer?.close();
  }

  async #scalars(prefix: string, step: number, values: object): Promise<void> {
    const tagged = Object.entries(values)
      .filter(([name, value]) => typeof value === "number" && name !== "rows")
      .map(([name, value]): [string, number] => [`${prefix}/${name}`, value]);
    await (await this.#writer())?.scalars(Object.fromEntries(tagged), step);
  }

  /** Undefined if the run ended before its start: then nothing may be written into its output directory. */
  async #writer(): Promise<TensorBoardWriter | undefined> {
    if (this.#start === undefined) return undefined;
    this.#opening ??= this.#open(this.#start);
    return this.#opening;
  }

  async #open(start: StartEvent): Promise<TensorBoardWriter> {
    const { TensorBoardWriter } = await import("./writer.ts");
    const options = start.step === 0 ? {} : { resumedAfterStep: start.step };
    const writer = await TensorBoardWriter.open(join(this.#outputDir, "runs"), options);
    try {
      for (const [tag, text] of Object.entries(startTexts(start, this.#warnings)))
        await writer.text(tag, text, start.step);
      return writer;
    } catch (error) {
      await writer.close();
      throw error;
    }
  }
}
