import { inspectModel, type ModelSummary, resolveModel } from "@finetag/api";
import { z } from "zod";
import { defineAction } from "../commands/index.ts";
import type { Colors } from "../context.ts";
import { UsageError } from "../errors.ts";
import { formatBytes, formatCount, plural, table } from "../output/index.ts";
import { TRAIN_KEYS } from "./shared.ts";

const schema = z.strictObject({
  tensors: z.boolean().default(false).describe("Also list every tensor of the weights"),
  json: z.boolean().default(false).describe("Write the summary as JSON, with every tensor"),
});

export const action = defineAction({
  schema,
  alsoNames: TRAIN_KEYS,
  async run({ json, tensors }, { words: [name] }, { stdout, colors, signal }) {
    if (name === undefined) throw new UsageError("DIR is missing: finetag inspect DIR");
    // A model in the cache is found by name, but inspecting never downloads one.
    const summary = await inspectModel(await resolveModel(name, { offline: true, signal }), { signal });
    stdout.write(
      json
        ? `${JSON.stringify(summary, null, 2)}\n`
        : `${table(["model", name], describe(summary), colors, false)}\n`,
    );
    if (tensors && !json) stdout.write(`\n${tensorTable(summary, colors)}\n`);
    return 0;
  },
});

function describe(model: ModelSummary): string[][] {
  const { finetag } = model;
  const prefix = model.prefix === undefined ? "" : `; their names begin with ${JSON.stringify(model.prefix)}`;
  const rows = [
    ["directory", model.directory],
    ["family", model.family],
    ["layers", String(model.layers)],
    ["hidden size", String(model.hiddenSize)],
    ["attention heads", String(model.attentionHeads)],
    ["vocabulary", formatCount(model.vocabSize)],
    ["parameters", formatCount(model.parameters)],
    ["longest text", plural(model.maxLength, "token")],
    [
      "weights",
      `${model.format}, ${formatBytes(model.weightBytes)}, ${Object.entries(model.dtypes)
        .map(([dtype, count]) => `${count} ${dtype}`)
        .join(", ")}`,
    ],
    ["tensors", `${model.loadedTensors} loaded${prefix}`],
    ["new weights", listOrNone(model.freshParameters)],
    ["not used", listOrNone(model.unusedTensors)],
    ...(model.notFiniteTensors.length === 0 ? [] : [["NaN or infinite", listOrNone(model.notFiniteTensors)]]),
    ["tokenizer", model.tokenizer],
    ["head", headText(model)],
    ["trained for", problemText(model)],
    ...model.labels.map((label, index) => [`  ${index}`, label]),
  ];
  if (model.warnings.length > 0) rows.push(...model.warnings.map((warning) => ["note", warning]));
  if (finetag === undefined) return rows;
  const { columns } = finetag;
  const pair = columns.textPair === undefined ? "" : ` and ${columns.textPair}`;
  return [
    ...rows,
    [
      "trained by",
      `finetag ${finetag.versions.finetag ?? "?"} with libtorch ${finetag.versions.libtorch ?? "?"}`,
    ],
    ["texts cut to", plural(finetag.maxLength, "token")],
    ["threshold", String(finetag.threshold)],
    ["text column", `${columns.text}${pair}`],
  ];
}

function headText({ hasHead, labels, strangeHead }: ModelSummary): string {
  if (hasHead) return plural(labels.length, "label");
  if (strangeHead === undefined) return "none; training creates one";
  return `${plural(strangeHead, "label")}, but the config has another number; train --new-head replaces it`;
}

function problemText({ problemType, isMultiLabel, finetag }: ModelSummary): string {
  if (problemType === undefined && finetag === undefined)
    return "not known; each label gets a probability of its own";
  if (isMultiLabel) return "any number of labels for each text";
  const kind =
    { single_label_classification: "one label for each text (softmax)", regression: "numbers (regression)" }[
      problemType ?? ""
    ] ?? problemType;
  return `${kind}; predict and eval need --multi-label`;
}

/** Each tensor under its name in the file, and the parameter it is loaded into. */
function tensorTable({ tensors }: ModelSummary, colors: Colors): string {
  const rows = tensors.map(({ name, source, dtype, shape, parameter }) => [
    source ?? name,
    dtype,
    `[${shape.join(", ")}]`,
    parameter ?? "not used",
  ]);
  return table(["tensor", "dtype", "shape", "loaded as"], rows, colors, false);
}

function listOrNone(names: string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
