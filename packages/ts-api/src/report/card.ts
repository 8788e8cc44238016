import { stringify } from "yaml";
import type { LabelMetrics, SplitMetrics } from "../metrics/index.ts";
import { maxTextLength } from "../models/index.ts";
import { lossTitle, optionSpecs } from "../options/index.ts";
import { CARD_MARK } from "./card-mark.ts";
import type { ModelDescription } from "./describe.ts";

/** The package that readers of the card import. */
const API = "@finetag/api";

/** A model card: front matter that the Hub reads, then labels, metrics, training and use, for people. */
export function modelCard(model: ModelDescription, repo: string, licence: string | undefined): string {
  const sections = [
    `---\n${stringify(frontMatter(model, repo, licence))}---`,
    `# ${repo.split("/").at(-1)}`,
    introduction(model),
    labelSection(model),
    metricsSection(model),
    trainingSection(model),
    useSection(model, repo),
    CARD_MARK,
  ];
  return `${sections.filter((section) => section !== undefined).join("\n\n")}\n`;
}

function frontMatter(model: ModelDescription, repo: string, licence: string | undefined) {
  const { baseModel, metrics } = model;
  return {
    ...(licence === undefined ? {} : { license: licence }),
    ...(baseModel === undefined ? {} : { base_model: baseModel }),
    library_name: "transformers",
    ...(model.labels.length === 0
      ? { tags: ["finetag"] }
      : { pipeline_tag: "text-classification", tags: ["finetag", "multi-label-classification"] }),
    ...(metrics === undefined ? {} : { metrics: ["f1"], "model-index": [results(metrics, repo)] }),
  };
}

function results({ split, values }: NonNullable<ModelDescription["metrics"]>, repo: string) {
  const metric = (type: string, name: string, value: number | null | undefined) =>
    typeof value === "number" ? [{ type, name, value: Number(value.toFixed(4)) }] : [];
  return {
    name: repo.split("/").at(-1),
    results: [
      {
        task: { type: "text-classification", name: "Multi-label text classification" },
        dataset: { type: "custom", name: `its own ${split} data`, split },
        metrics: [
          ...metric("f1", "micro F1", values.micro_f1),
          ...metric("f1", "macro F1", values.macro_f1),
          ...metric("accuracy", "subset accuracy", values.subset_accuracy),
        ],
      },
    ],
  };
}

function introduction({ config, labels, baseModel, finetag }: ModelDescription): string {
  const { family, numHiddenLayers, hiddenSize } = config.native;
  const from =
    baseModel === undefined ? "" : `, fine-tuned from [${baseModel}](https://huggingface.co/${baseModel})`;
  const version = finetag?.versions.finetag;
  const by = version === undefined ? "" : ` with finetag ${version}`;
  const what =
    labels.length === 0
      ? "A text encoder without a classification head"
      : `A multi-label text classifier with ${labels.length} labels`;
  return (
    `${what}${from}${by}. ` + `Its architecture is ${family}, ${numHiddenLayers} layers of ${hiddenSize}.`
  );
}

function labelSection({ labels, finetag }: ModelDescription): string | undefined {
  if (labels.length === 0) return undefined;
  const { threshold = 0.5, thresholds = {} } = finetag ?? {};
  const own = labels.filter((label) => (thresholds[label] ?? threshold) !== threshold);
  const except = own.map((label) => `${code(label)} ${thresholds[label]}`).join(", ");
  return (
    `## Labels\n\n${labels.map(code).join(", ")}\n\n` +
    `A label is assigned when its probability is above ${threshold}${except === "" ? "" : `, except for ${except}`}.`
  );
}

const SHOWN: readonly [key: keyof SplitMetrics, name: string][] = [
  ["micro_f1", "micro F1"],
  ["macro_f1", "macro F1"],
  ["weighted_f1", "weighted F1"],
  ["subset_accuracy", "subset accuracy"],
  ["hamming_loss", "Hamming loss"],
  ["roc_auc_macro", "macro ROC AUC"],
  ["average_precision_macro", "macro average precision"],
];

function metricsSection({ metrics, labels }: ModelDescription): string | undefined {
  if (metrics === undefined) return undefined;
  const { split, values } = metrics;
  const rows = typeof values.rows === "number" ? `, ${values.rows} rows` : "";
  const overall = SHOWN.flatMap(([key, name]) => {
    const value = values[key];
    return typeof value === "number" ? [[name, value.toFixed(4)]] : [];
  });
  const perLabel = labels.flatMap((label) => {
    const own = values.per_label?.[label];
    return own === undefined ? [] : [labelRow(label, own)];
  });
  const tables = [
    table(["metric", "value"], overall),
    ...(perLabel.length === 0
      ? []
      : [table(["label", "precision", "recall", "F1", "ROC AUC", "rows"], perLabel)]),
  ];
  return `## Metrics\n\nOn the ${split} data${rows}.\n\n${tables.join("\n\n")}`;
}

function labelRow(label: string, metrics: LabelMetrics): string[] {
  const number = (value: number | null | undefined) =>
    typeof value === "number" ? value.toFixed(4) : "undefined";
  const { precision, recall, f1, roc_auc: auc, support } = metrics;
  return [code(label), number(precision), number(recall), number(f1), number(auc), String(support)];
}

function trainingSection({ finetag, training }: ModelDescription): string | undefined {
  if (finetag === undefined) return undefined;
  const { arguments: used } = finetag;
  // What was requested may differ from what was done: a run can end early.
  const epochs = training?.epochs ?? used.epochs;
  const rows = [
    ...(typeof training?.rows === "number" ? [["rows", String(training.rows)]] : []),
    ...(typeof training?.steps === "number" ? [["optimizer steps", String(training.steps)]] : []),
    ...(typeof epochs === "number" ? [["epochs", String(Number(epochs.toFixed(2)))]] : []),
    ...settingRows({ ...used, maxLength: finetag.maxLength }),
  ];
  return `## Training\n\nLoss: ${lossTitle(used.loss)}. Optimizer: AdamW.\n\n${table(["setting", "value"], rows)}`;
}

/** The options that are declared for the card and that the training had. */
function settingRows(used: Record<string, unknown>): string[][] {
  return Object.entries(optionSpecs).flatMap(([key, { card }]) => {
    const value = used[key];
    if (card === undefined || value === undefined || value === null) return [];
    return [[card, typeof value === "boolean" ? (value ? "yes" : "no") : String(value)]];
  });
}

function useSection({ config, finetag, labels }: ModelDescription, repo: string): string {
  if (labels.length === 0) {
    return `## Use\n\n\`\`\`sh\nnpx finetag train --model ${repo} --train train.csv --output-dir out\n\`\`\``;
  }
  const length = finetag?.maxLength ?? maxTextLength(config);
  return `## Use

With [finetag](https://www.npmjs.com/package/finetag), from the command line:

\`\`\`sh
npx finetag predict --model ${repo} "a text"
\`\`\`

or from Node.js:

\`\`\`ts
import { Classifier } from "${API}";

await using classifier = await Classifier.fromPretrained("${repo}");
const [prediction] = await classifier.predict(["a text"]);
\`\`\`

With transformers, in Python:

\`\`\`python
from transformers import pipeline

classify = pipeline("text-classification", model="${repo}", top_k=None)
classify("a text", truncation=True, max_length=${length})
\`\`\``;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A label as Markdown code, escaped so that it cannot end a table cell, a line or the code itself. */
function code(text: string): string {
  const flat = text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|");
  const longest = Math.max(0, ...[...flat.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  const space = longest > 0 ? " " : "";
  return `${fence}${space}${flat}${space}${fence}`;
}
