import { Classifier, dataOptionsSchema, type LoadOptions, trainOptionsSchema } from "@finetag/api";
import { z } from "zod";
import type { Context } from "../context.ts";
import { DownloadProgressLine } from "../output/index.ts";

const { device, threads, offline, threshold, evalBatchSize } = trainOptionsSchema.shape;

const batchSize = evalBatchSize
  .unwrap()
  .optional()
  .describe("Most texts in a batch (default: as many as 2048 tokens hold; 16384 on a GPU)");

const precision = z
  .enum(["float32", "bf16", "int8"])
  .default("float32")
  .describe("bf16: autocast where the device has it; int8: quantized linear layers, on the CPU");

/** Where a model runs, and how. */
export const deviceShape = { batchSize, device, threads, precision, offline };

/** When a label is given. */
export const thresholdShape = {
  threshold: threshold
    .unwrap()
    .optional()
    .describe("A label is given above this probability (default: the model's)"),
};

const { labels: _labels, ...columnsShape } = dataOptionsSchema.shape;

/** The columns of a data file; the labels are those of the model. */
export const dataShape = columnsShape;

export const DATA_KEYS: readonly string[] = Object.keys(dataShape);
export const DEVICE_KEYS: readonly string[] = Object.keys(deviceShape);

/** Opens the model of a command, showing the download where there is one. */
export async function openClassifier(
  {
    model,
    device,
    threads,
    precision,
    offline,
  }: { model: string } & Pick<LoadOptions, "device" | "threads" | "precision" | "offline">,
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
      signal,
      onDownload: downloads.show,
    });
  } finally {
    downloads.stop();
  }
}
