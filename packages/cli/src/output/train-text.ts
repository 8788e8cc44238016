import { describePlan, type TrainEvent, visible } from "@finetag/api";
import { asLine } from "../errors.ts";
import { formatCount, formatDuration, formatMetric, formatNumber, listSome, plural } from "./format.ts";

type EventOf<Type extends TrainEvent["type"]> = Extract<TrainEvent, { type: Type }>;

/** Events as text for people. */
export function startText(event: EventOf<"start">): string {
  const epochs = Number(event.epochs.toFixed(2));
  const lines = [
    `${event.model} on ${event.device} with ${plural(event.threads, "thread")}, ${plural(event.labels.length, "label")}`,
    `rows: ${formatCount(event.trainRows)} train (${formatCount(event.trainTokens)} tokens), ` +
      `${formatCount(event.devRows)} dev, ${formatCount(event.testRows)} test`,
    [plural(event.totalSteps, "step"), plural(epochs, "epoch"), ...written(event)].join(", "),
  ];
  lines.push(`labels: ${listSome(event.labels)}`);
  lines.push(`weights: ${plural(event.loadedTensors, "tensor")} loaded (${event.weights})`);
  if (event.freshParameters.length > 0) lines.push(`new weights: ${event.freshParameters.join(", ")}`);
  if (event.unusedTensors.length > 0) lines.push(`not used: ${listSome(event.unusedTensors)}`);
  if (event.step > 0) lines.push(`resuming after step ${formatCount(event.step)}`);
  return lines.map(visible).join("\n");
}

/** That texts are cut is no warning: the maximum length is a choice between speed and accuracy. */
export function readText({ split, rows, truncated = 0, maxLength }: EventOf<"loading">): string {
  const cut = truncated === 0 ? "" : `, ${formatCount(truncated)} of them cut to ${maxLength} tokens`;
  return `read ${split}: ${plural(rows, "row")}${cut}`;
}

function written({ outputDir }: EventOf<"start">): string[] {
  return outputDir === undefined ? [] : [`to ${outputDir}`];
}

export function stepText(event: EventOf<"step">): string {
  return [
    `step ${event.step}/${event.totalSteps}`,
    `epoch ${event.epoch.toFixed(2)}`,
    `loss ${formatNumber(event.loss)}`,
    `lr ${formatNumber(event.learningRate)}`,
    `${formatNumber(event.samplesPerSecond)} texts/s`,
    `${formatDuration(event.secondsLeft)} left`,
  ].join("  ");
}

export function evaluationText({ split, step, epoch, metrics, best }: EventOf<"evaluation">): string {
  const figures = (["loss", "micro_f1", "macro_f1", "average_precision_macro", "roc_auc_macro"] as const).map(
    (key) => `${key} ${formatMetric(metrics[key])}`,
  );
  return `${split} after step ${step} (epoch ${epoch.toFixed(2)}): ${figures.join("  ")}${best && split === "dev" ? "  best so far" : ""}`;
}

export function checkpointText({ step, path }: EventOf<"checkpoint">): string {
  return `checkpoint after step ${step}: ${path}`;
}

/** How a file is read; the training file decides for the others, of which only the file is named. */
export function planLines({ split, plan }: EventOf<"data">): string[] {
  const lines = describePlan(plan).split("\n");
  return split === "train" ? lines : lines.slice(0, 1).map((line) => `${split}: ${line}`);
}

/** A warning or notice for stderr: one line, as that of an error. */
export function noticeText(message: string): string {
  return `finetag: ${visible(asLine(message))}`;
}
