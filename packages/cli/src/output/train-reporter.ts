import type { RunMetrics, SplitMetrics, TrainEvent } from "@finetag/api";
import type { Context } from "../context.ts";
import { formatCount, formatNumber, formatSeconds, plural } from "./format.ts";
import { ProgressLine } from "./progress.ts";
import { metricsReport } from "./tables.ts";
import {
  checkpointText,
  evaluationText,
  noticeText,
  planLines,
  readText,
  startText,
  stepText,
} from "./train-text.ts";

/** Shows the events of a run. */
export interface TrainReporter {
  show(event: TrainEvent): void;
  /** Shows a message on stderr. */
  notice(message: string): void;
  /** Called once at the end, even after an error. */
  close(): void;
}

/** For programs: one JSON line per event on stdout, nothing else. */
export class JsonReporter implements TrainReporter {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  show(event: TrainEvent): void {
    if (event.type === "warning") this.notice(`warning: ${event.message}`);
    this.#context.stdout.write(`${JSON.stringify(event)}\n`);
  }

  notice(message: string): void {
    this.#context.stderr.write(`${noticeText(message)}\n`);
  }

  close(): void {}
}

/** For pipes and logs: a line every few steps. */
export class LineReporter implements TrainReporter {
  readonly #context: Context;
  readonly #logEvery: number;
  #firstStep = true;

  /** @param logEvery steps between lines. */
  constructor(context: Context, logEvery: number) {
    this.#context = context;
    this.#logEvery = logEvery;
  }

  show(event: TrainEvent): void {
    switch (event.type) {
      case "start":
        this.#print(startText(event));
        break;
      case "data":
        for (const line of planLines(event)) this.notice(this.#context.inFlags(line));
        break;
      case "warning":
        this.notice(`warning: ${event.message}`);
        break;
      case "loading":
        if (event.done) this.#print(readText(event));
        break;
      case "step":
        if (this.#firstStep || event.step % this.#logEvery === 0 || event.step === event.totalSteps) {
          this.#print(stepText(event));
        }
        this.#firstStep = false;
        break;
      case "evaluating":
        break;
      case "evaluation":
        this.#print(evaluationText(event));
        break;
      case "checkpoint":
        this.#print(checkpointText(event));
        break;
      case "stop":
        this.notice(event.message);
        break;
      case "end":
        for (const warning of metricWarnings(event, this.#context)) this.notice(`warning: ${warning}`);
        this.#print(endText(event, this.#context));
        break;
    }
  }

  notice(message: string): void {
    this.#context.stderr.write(`${noticeText(message)}\n`);
  }

  close(): void {}

  #print(text: string): void {
    this.#context.stdout.write(`${text}\n`);
  }
}

/** For a terminal: a bar at the bottom, messages above it. */
export class BarReporter implements TrainReporter {
  readonly #context: Context;
  readonly #line: ProgressLine;
  #step: Extract<TrainEvent, { type: "step" }> | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#line = new ProgressLine(context.stdout);
  }

  show(event: TrainEvent): void {
    switch (event.type) {
      case "start":
        this.#line.print(startText(event));
        this.#line.show("first step", event.step, event.totalSteps);
        break;
      case "data":
        for (const line of planLines(event)) this.notice(this.#context.inFlags(line));
        break;
      case "warning":
        this.#line.print(`${this.#context.colors.yellow("warning:")} ${event.message}`);
        break;
      case "loading":
        if (event.done) this.#line.print(readText(event));
        else this.#line.show(`reading ${event.split}: ${plural(event.rows, "row")}`);
        break;
      case "step":
        this.#step = event;
        this.#line.show(stepText(event), event.step, event.totalSteps);
        break;
      case "evaluating": {
        const rows = `${formatCount(event.rows)}/${formatCount(event.totalRows)}`;
        this.#line.show(`evaluating ${event.split}: ${rows}`, event.rows, event.totalRows);
        break;
      }
      case "evaluation":
        this.#line.print(evaluationText(event));
        this.#backToSteps();
        break;
      case "checkpoint":
        this.#line.print(checkpointText(event));
        break;
      case "stop":
        this.notice(event.message);
        break;
      case "end":
        for (const warning of metricWarnings(event, this.#context)) this.notice(`warning: ${warning}`);
        this.#line.stop();
        this.#context.stdout.write(`${endText(event, this.#context)}\n`);
    }
  }

  notice(message: string): void {
    if (this.#context.stderr.isTTY === true) this.#line.print(noticeText(message));
    else this.#context.stderr.write(`${noticeText(message)}\n`);
  }

  close(): void {
    this.#line.stop();
  }

  #backToSteps(): void {
    if (this.#step !== undefined)
      this.#line.show(stepText(this.#step), this.#step.step, this.#step.totalSteps);
  }
}

function metricWarnings(
  { metrics: { dev, test } }: Extract<TrainEvent, { type: "end" }>,
  { inFlags }: Context,
): string[] {
  return Object.entries({ dev, test }).flatMap(([name, split]) =>
    (split?.warnings ?? []).map((warning) => `${name}: ${inFlags(warning)}`),
  );
}

function endText(event: Extract<TrainEvent, { type: "end" }>, { colors }: Context): string {
  const { train, dev, test } = event.metrics;
  const splits: Record<string, SplitMetrics> = {};
  if (dev !== undefined) splits.dev = dev;
  if (test !== undefined) splits.test = test;
  const report = Object.keys(splits).length === 0 ? "" : `\n${metricsReport(splits, colors)}\n`;
  const place = event.outputDir === undefined ? "" : `\nthe best model is in ${colors.bold(event.outputDir)}`;
  return `${report}${trainText(train)}${place}`;
}

/** The rates are those of the training steps alone; evaluating and saving take time as well. */
function trainText(train: RunMetrics["train"]): string {
  const best =
    train.best_value === null
      ? ""
      : `; best ${train.best_metric} ${formatNumber(train.best_value)} after step ${train.best_step}`;
  return (
    `${plural(train.steps, "step")} in ${formatSeconds(train.total_seconds)}, ${formatSeconds(train.seconds)} of it for ` +
    `${formatCount(Math.round(train.samples_per_second * train.seconds))} texts (${formatNumber(train.samples_per_second)} texts/s, ` +
    `${formatNumber(train.tokens_per_second)} tokens/s) and the rest for evaluating and saving; ` +
    `at most ${formatCount(Math.round(train.peak_rss_mb))} MB${best}`
  );
}
