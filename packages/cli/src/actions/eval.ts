import {
  checkWritable,
  type DataPlan,
  dataSpec,
  evalOptionsSchema,
  type SplitMetrics,
  writeFileAtomic,
} from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Context } from "../context.ts";
import {
  costReport,
  formatCount,
  int8Cost,
  metricsReport,
  noticeText,
  ProgressLine,
} from "../output/index.ts";
import { refuseSameFile } from "./same-file.ts";
import { openClassifier, showPlan, showWarnings, TRAIN_KEYS, writingOutput } from "./shared.ts";

const schema = z.strictObject({
  model: z
    .string()
    .min(1)
    .meta({ description: "Model directory, as written by finetag train, or Hub id", heading: "Model" }),
  data: z.string().min(1).meta({ description: "File with labelled texts", heading: "Data" }),
  output: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Write the metrics to this file as JSON", heading: "Output" }),
  json: z
    .boolean()
    .default(false)
    .meta({ description: "Write the metrics to stdout as JSON instead of a table", heading: "Output" }),
  ...evalOptionsSchema.shape,
});

type Options = z.output<typeof schema>;

export const action = defineAction({
  schema,
  alsoNames: TRAIN_KEYS,
  async run(options, _call, context) {
    const { data, output, json, precision } = options;
    const { stdout, stderr, colors, signal } = context;
    await refuseSameFile("--data", data, output);
    if (output !== undefined) await checkWritable(output);
    const shown = new Set<string>();
    const metrics = await evaluate(options, context, shown, (plan) => showPlan(plan, context));
    // Always show what int8 costs. Both run on the same device, so that nothing else differs.
    const cost =
      precision === "int8"
        ? int8Cost(
            await evaluate({ ...options, precision: "float32", device: "cpu" }, context, shown),
            metrics,
          )
        : undefined;
    const figures = cost === undefined ? metrics : { ...metrics, int8_cost: cost };
    const text = `${JSON.stringify(figures, null, 2)}\n`;
    if (output !== undefined) await writingOutput(context, () => writeFileAtomic(output, text, { signal }));
    for (const warning of metrics.warnings)
      stderr.write(`${noticeText(`warning: ${context.inFlags(warning)}`)}\n`);
    if (json) stdout.write(text);
    else {
      stdout.write(metricsReport({ [data]: metrics }, colors));
      if (cost !== undefined) stdout.write(`\n${costReport(cost, colors)}`);
    }
    return 0;
  },
});

async function evaluate(
  options: Options,
  context: Context,
  shown: Set<string>,
  onData?: (plan: DataPlan) => void,
): Promise<SplitMetrics> {
  const { data, batchSize, threshold, precision } = options;
  const { signal, stderr } = context;
  const progress = stderr.isTTY === true ? new ProgressLine(stderr) : undefined;
  await using classifier = await openClassifier(options, context);
  try {
    return await classifier.evaluate(dataSpec(data, options), {
      batchSize,
      threshold,
      signal,
      onData,
      onProgress: ({ rows, totalRows }) =>
        progress?.show(
          `${formatCount(rows)}/${formatCount(totalRows)} rows in ${precision}`,
          rows,
          totalRows,
        ),
    });
  } finally {
    progress?.stop();
    showWarnings(classifier, context, shown);
  }
}
