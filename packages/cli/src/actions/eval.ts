import { dataSpec, writeFileAtomic } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/command.ts";
import { formatCount } from "../output/format.ts";
import { ProgressLine } from "../output/progress.ts";
import { metricsReport } from "../output/tables.ts";
import { DATA_KEYS, DEVICE_KEYS, dataShape, deviceShape, openClassifier, thresholdShape } from "./shared.ts";

const schema = z.strictObject({
  model: z.string().min(1).describe("Model directory, as finetag train writes it"),
  data: z.string().min(1).describe("File with labelled texts"),
  output: z.string().min(1).optional().describe("Write the figures as JSON to this file"),
  json: z.boolean().default(false).describe("Write the figures as JSON on stdout instead of a table"),
  ...thresholdShape,
  ...dataShape,
  ...deviceShape,
});

export const action = defineAction({
  schema,
  groups: {
    Model: ["model", "threshold"],
    Output: ["output", "json"],
    Data: ["data", ...DATA_KEYS],
    Run: DEVICE_KEYS,
  },
  async run(options, _call, context) {
    const { data, output, json, batchSize, threshold } = options;
    const { signal, stdout, stderr, colors } = context;
    const progress = stderr.isTTY === true ? new ProgressLine(stderr) : undefined;
    const classifier = await openClassifier(options, context);
    try {
      const metrics = await classifier.evaluate(dataSpec(data, options), {
        batchSize,
        threshold,
        signal,
        onProgress: ({ rows, totalRows }) =>
          progress?.show(`${formatCount(rows)}/${formatCount(totalRows)} rows`, rows, totalRows),
      });
      progress?.stop();
      const text = `${JSON.stringify(metrics, null, 2)}\n`;
      if (output !== undefined) await writeFileAtomic(output, text);
      for (const warning of metrics.warnings) stderr.write(`finetag: warning: ${warning}\n`);
      stdout.write(json ? text : metricsReport({ [data]: metrics }, colors));
    } finally {
      progress?.stop();
      await classifier.dispose();
    }
    return 0;
  },
});
