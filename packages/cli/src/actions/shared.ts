import { Classifier, type DataPlan, describePlan, type LoadOptions, trainOptionsSchema } from "@finetag/api";
import type { Context } from "../context.ts";
import { DownloadProgressLine, noticeText } from "../output/index.ts";

/** Options of training that messages about a model may name. */
export const TRAIN_KEYS: readonly string[] = Object.keys(trainOptionsSchema.shape);

/** Shows on stderr how a file is read, and what may be wrong with it. */
export function showPlan(
  plan: DataPlan,
  { stderr, inFlags }: Pick<Context, "stderr" | "inFlags">,
  rows?: number,
): void {
  for (const line of describePlan(plan, rows).split("\n")) stderr.write(`${noticeText(inFlags(line))}\n`);
  for (const warning of plan.warnings) stderr.write(`${noticeText(`warning: ${inFlags(warning)}`)}\n`);
}

/** Opens the model of a command. Shows the download, if there is one. */
export async function openClassifier(
  {
    model,
    device,
    threads,
    precision,
    offline,
    multiLabel,
  }: { model: string } & Pick<LoadOptions, "device" | "threads" | "precision" | "offline" | "multiLabel">,
  context: Context,
): Promise<Classifier> {
  const downloads = new DownloadProgressLine(context);
  try {
    const { signal } = context;
    return await Classifier.fromPretrained(model, {
      device,
      threads,
      precision,
      offline,
      multiLabel,
      signal,
      onDownload: downloads.show,
    });
  } finally {
    downloads.stop();
  }
}

/** Writes what `--output` names. If it is a pipe whose reader has gone, the command ends quietly, as with stdout. */
export async function writingOutput({ interruption }: Context, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const { cause } = error as Error;
    if ((cause as NodeJS.ErrnoException | undefined)?.code !== "EPIPE") throw error;
    interruption.readerGone();
  }
}

/**
 * Shows what should be known about the model, and about the texts once they have been read.
 *
 * @param shown Warnings that were shown before, which are left out; the new ones are added.
 */
export function showWarnings(
  { warnings }: Classifier,
  { stderr, inFlags }: Context,
  shown: Set<string>,
): void {
  for (const warning of warnings) {
    if (!shown.has(warning)) stderr.write(`${noticeText(`warning: ${inFlags(warning)}`)}\n`);
    shown.add(warning);
  }
}
