import { type DataSummary, dataOptionsSchema, dataSpec, planData } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Colors } from "../context.ts";
import { UsageError } from "../errors.ts";
import { formatCount, table } from "../output/index.ts";
import { showPlan, TRAIN_KEYS } from "./shared.ts";

const schema = dataOptionsSchema.extend({
  json: z
    .boolean()
    .default(false)
    .meta({ description: "Write plan and counts to stdout as JSON", heading: "Output" }),
});

export const action = defineAction({
  schema,
  alsoNames: TRAIN_KEYS,
  async run({ json, labels, ...options }, { words: [path] }, context) {
    if (path === undefined) throw new UsageError("FILE is missing: finetag data FILE");
    const { stdout, colors, signal } = context;
    const summary = await planData(dataSpec(path, options), { labelFile: labels, signal });
    if (json) {
      stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
      return 0;
    }
    showPlan(summary, context, summary.rows);
    stdout.write(`${countTable(summary, colors)}\n`);
    return 0;
  },
});

/** Rows, then each label with its rows. */
function countTable(summary: DataSummary, colors: Colors): string {
  const { rows, emptyTexts, unlabeledRows, mergedRows, labelCounts } = summary;
  const hasUnknown = labelCounts.some(({ unknown }) => unknown > 0);
  const share = (count: number) => (rows === 0 ? "" : `${((100 * count) / rows).toFixed(1)} %`);
  const totals = [
    ["rows", rows],
    ["empty texts", emptyTexts],
    ["rows left out, no label known", unlabeledRows],
    ["rows merged", mergedRows],
  ] as const;
  const shown = totals.filter(([name, count]) => name === "rows" || count > 0);
  const counts = table(
    ["", "rows"],
    shown.map(([name, count]) => [name, formatCount(count)]),
    colors,
  );
  const labels = table(
    ["label", "rows", "share", ...(hasUnknown ? ["unknown"] : [])],
    labelCounts.map(({ label, rows: count, unknown }) => [
      label,
      formatCount(count),
      share(count),
      ...(hasUnknown ? [formatCount(unknown)] : []),
    ]),
    colors,
  );
  return `${counts}\n\n${labels}`;
}
