import { trainOptionsSchema, trainRun } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import { BarReporter, DownloadProgressLine, JsonReporter, LineReporter } from "../output/index.ts";

const schema = trainOptionsSchema.extend({
  config: z
    .string()
    .optional()
    .describe("YAML or JSON file with any of these options; the command line wins"),
  json: z.boolean().default(false).describe("Write each event as one JSON line on stdout"),
});

const groups = {
  Model: ["model", "outputDir", "newHead", "headBias", "maxLength", "dropout", "threshold", "offline"],
  Data: [
    "train",
    "dev",
    "test",
    "dataDir",
    "devSplit",
    "format",
    "header",
    "columns",
    "textColumn",
    "textPairColumn",
    "idColumn",
    "labelColumns",
    "labelsColumn",
    "labelSeparator",
    "labels",
  ],
  Training: [
    "epochs",
    "maxSteps",
    "batchSize",
    "evalBatchSize",
    "groupByLength",
    "gradientAccumulation",
    "learningRate",
    "warmupRatio",
    "schedule",
    "weightDecay",
    "adamBeta1",
    "adamBeta2",
    "adamEpsilon",
    "maxGradNorm",
    "seed",
  ],
  Run: [
    "device",
    "threads",
    "precision",
    "evalEvery",
    "saveEvery",
    "keepCheckpoints",
    "bestMetric",
    "earlyStopping",
    "resume",
    "overwrite",
    "tokenCache",
    "tensorboard",
    "logEvery",
    "config",
    "json",
  ],
};

const LEAVING = "finishing this step, writing a checkpoint; press Ctrl-C again to leave at once";

export const action = defineAction({
  schema,
  groups,
  async run({ json, logEvery }, { given }, context) {
    // Without defaults: the run tells a given --max-length from none.
    const { config: _config, json: _json, ...options } = given;
    const { interruption, signal, stdout } = context;
    const reporter = json
      ? new JsonReporter(context)
      : stdout.isTTY === true
        ? new BarReporter(context)
        : new LineReporter(context, logEvery);
    interruption.onFirst((cause) => {
      if (cause !== "pipe") reporter.notice(LEAVING);
    });
    const downloads = new DownloadProgressLine(context);
    let ended = false;
    try {
      for await (const event of trainRun(options, { signal, onDownload: downloads.show })) {
        downloads.stop();
        reporter.show(event);
        if (event.type === "end") ended = true;
      }
    } catch (error) {
      if (interruption.cause !== "pipe") throw error;
    } finally {
      downloads.stop();
      reporter.close();
    }
    return signal.aborted && !ended ? interruption.exitCode : 0;
  },
});
