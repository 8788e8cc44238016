import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { ioError, isNotFound, type OutputHandle, withAtomicFile, writeAll } from "../../io/index.ts";
import { secondsOf } from "../../options/index.ts";
import type { TrainEvent } from "../events.ts";
import type { RunObserver } from "../observer.ts";
import { entryOf, type HistoryEntry } from "./entries.ts";
import { HISTORY, readEntries } from "./read.ts";

type EventOf<Type extends TrainEvent["type"]> = Extract<TrainEvent, { type: Type }>;

export interface HistoryOptions {
  /** Steps between two entries of type `step`; the first and the last step always have one. */
  logEvery: number;
  /** Steps or time between two checkpoints. */
  saveEvery: Parameters<typeof secondsOf>[0];
}

/**
 * Records a run in `history.jsonl`, one JSON object per line, each written with one call. All entries of a step are in
 * the file before its checkpoint is started, which makes them durable (see DirectoryStorage). So a run that is killed and
 * resumed drops the entries after the checkpoint and ends with the same entries as a run that never stopped.
 */
export class HistoryObserver implements RunObserver {
  readonly #path: string;
  readonly #options: HistoryOptions;
  /** Warnings before the start. */
  readonly #early: EventOf<"warning">[] = [];
  #start: EventOf<"start"> | undefined;
  #file: FileHandle | undefined;
  #step = 0;
  /**
   * The checkpoint that the run was resumed from, until the place of its entry is known: after the evaluation of its
   * step, and after the stop, if the run had stopped for good.
   */
  #resumedFrom: HistoryEntry | undefined;
  /** Whether the dev evaluation of the step that the run was resumed at is in the file. */
  #evaluated = false;
  /** Warnings of the part before, in the file already. */
  #known: ReadonlySet<string> = new Set();

  constructor(outputDir: string, options: HistoryOptions) {
    this.#path = join(outputDir, HISTORY);
    this.#options = options;
  }

  async record(event: TrainEvent): Promise<void> {
    try {
      await this.#record(event);
    } catch (error) {
      throw ioError(error, "write", this.#path);
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #record(event: TrainEvent): Promise<void> {
    switch (event.type) {
      case "start":
        return this.#open(event);
      case "warning":
        if (this.#file === undefined) this.#early.push(event);
        // The evaluation of the step that the run was resumed at may say again what it has said.
        else if (this.#step !== this.#start?.step || !this.#known.has(event.message))
          await this.#append(event);
        return;
      case "step":
        await this.#placeCheckpoint();
        this.#step = event.step;
        if (this.#isLogged(event)) await this.#append(event);
        return;
      case "evaluation":
        if (event.split === "test") await this.#placeCheckpoint();
        else if (this.#evaluated && event.step === this.#start?.step) return;
        return this.#append(event);
      case "stop":
        // On early stopping, the last checkpoint comes after the stop.
        if (event.reason !== "early_stopping") await this.#placeCheckpoint();
        await this.#append(event);
        if (event.reason === "early_stopping") await this.#placeCheckpoint(true);
        return this.#sync();
      case "checkpoint":
        // Written once more for the evaluation that came before it.
        if (event.step === this.#resumedFrom?.step) this.#resumedFrom = undefined;
        return this.#append(event);
      case "end":
        await this.#placeCheckpoint();
        await this.#append(event);
        return this.#sync();
    }
  }

  #isLogged({ step, totalSteps }: EventOf<"step">): boolean {
    return step === 1 || step === totalSteps || step % this.#options.logEvery === 0;
  }

  async #open(start: EventOf<"start">): Promise<void> {
    this.#start = start;
    this.#step = start.step;
    await withAtomicFile(this.#path, async (handle) => {
      const lines = new LineBuffer(handle);
      const known = start.step === 0 ? undefined : await this.#copyUntil(start, lines);
      this.#known = known ?? new Set();
      if (known === undefined) await lines.add(line(entryOf(start, start.step)!));
      for (const warning of this.#early) {
        if (!this.#known.has(warning.message)) await lines.add(line(entryOf(warning, start.step)!));
      }
      await lines.flush();
    });
    this.#file = await open(this.#path, "a");
  }

  /**
   * Copies the entries that remain when the run continues after `step`: not those of later steps, not those that a
   * resumed run writes again, and no damaged lines, such as the last one of a killed process.
   *
   * @returns The warnings among them; undefined if the file has no start or does not exist, as in directories of older
   *   versions.
   */
  async #copyUntil(start: EventOf<"start">, lines: LineBuffer): Promise<Set<string> | undefined> {
    const { step } = start;
    const warnings = new Set<string>();
    let started = false;
    this.#resumedFrom = entryOf({ type: "checkpoint", step, path: "" }, step);
    try {
      for await (const { text, entry } of readEntries(this.#path)) {
        if (entry === undefined || entry.step > step || isSaidAgain(entry)) continue;
        if (entry.type === "checkpoint" && entry.step === step) {
          this.#resumedFrom = entry;
          continue;
        }
        if (entry.type === "evaluation" && entry.step === step) this.#evaluated = true;
        if (entry.type === "warning") warnings.add(entry.message);
        if (!started && entry.type !== "start") await lines.add(line(entryOf(start, step)!));
        started = true;
        await lines.add(text);
      }
    } catch (error) {
      if (!isNotFound((error as Error).cause)) throw error;
    }
    if (started) return warnings;
    this.#resumedFrom = undefined;
    return undefined;
  }

  /**
   * Writes the entry of the checkpoint that the run was resumed from, if a run that never stopped had written one there:
   * the checkpoint of an interrupted run is between two regular ones. Those that are written after a time are never regular,
   * and all of them stay.
   */
  async #placeCheckpoint(isLast = false): Promise<void> {
    const entry = this.#resumedFrom;
    this.#resumedFrom = undefined;
    if (entry !== undefined && (isLast || this.#isRegular(entry.step))) await this.#write(entry);
  }

  #isRegular(step: number): boolean {
    const { totalSteps, stepsPerEpoch } = this.#start!;
    const { saveEvery } = this.#options;
    if (secondsOf(saveEvery) !== undefined) return true;
    return step === totalSteps || step % (saveEvery === "epoch" ? stepsPerEpoch : Number(saveEvery)) === 0;
  }

  async #append(event: TrainEvent): Promise<void> {
    const entry = entryOf(event, this.#step);
    if (entry !== undefined) await this.#write(entry);
  }

  /** Writes nothing before the start: the output directory is not ours until then. */
  async #write(entry: HistoryEntry): Promise<void> {
    await this.#file?.appendFile(`${line(entry)}\n`);
  }

  async #sync(): Promise<void> {
    await this.#file?.datasync();
  }
}

/** These appear only at the end of a run; a resumed run has its own end. */
function isSaidAgain(entry: HistoryEntry): boolean {
  return (
    entry.type === "stop" || entry.type === "end" || (entry.type === "evaluation" && entry.split === "test")
  );
}

function line(entry: HistoryEntry): string {
  return JSON.stringify(entry);
}

const BUFFER_CHARACTERS = 1 << 20;

/** Writes lines in pieces of about a megabyte, since a history may be too large for memory. */
class LineBuffer {
  readonly #handle: OutputHandle;
  #lines: string[] = [];
  #characters = 0;

  constructor(handle: OutputHandle) {
    this.#handle = handle;
  }

  async add(text: string): Promise<void> {
    this.#lines.push(text);
    this.#characters += text.length;
    if (this.#characters >= BUFFER_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    await writeAll(this.#handle, Buffer.from(`${this.#lines.join("\n")}\n`));
    this.#lines = [];
    this.#characters = 0;
  }
}
