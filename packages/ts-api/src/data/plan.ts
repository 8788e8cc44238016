import { show } from "./errors.ts";
import { openData } from "./file.ts";
import { readLabelFile } from "./labels/index.ts";
import type { DataColumns, DataPlan, DataSpec } from "./types.ts";

/** How a file is read, and what it holds. */
export interface DataSummary extends DataPlan {
  rows: number;
  emptyTexts: number;
  /** Rows that are left out, as none of their labels is known. */
  unlabeledRows: number;
  /** Rows that are merged into an earlier one with the same text. */
  mergedRows: number;
  /** In the order of `labels`. */
  labelCounts: LabelCount[];
}

interface LabelCount {
  label: string;
  /** Rows with the label; a graded one counts from 0.5 on. */
  rows: number;
  /** Rows for which it is unknown. */
  unknown: number;
}

export interface PlanDataOptions {
  /** The labels in their order, if they are known. */
  labels?: readonly string[];
  /** A file that lists them, in place of `labels`. */
  labelFile?: string;
  /** Columns as a model has them (`Classifier.columns`); those in the spec take precedence. */
  columns?: DataColumns;
  signal?: AbortSignal;
}

/**
 * Decides how a file is read (format, encoding, columns, labels), reads it to its end in constant memory, and counts its
 * rows and labels. Training does the same, and stores `columns` in finetag.json; each decision has an option in
 * {@link DataSpec}.
 *
 * @example
 * ```ts
 * const plan = await planData({ path: "train.csv", missing: "mask" });
 * console.log(describePlan(plan, plan.rows));
 * ```
 * @throws {FinetagError} ERR_FINETAG_DATA, in one line with the file, the row and the option that helps;
 *   ERR_FINETAG_ARGUMENT; ERR_FINETAG_IO; ERR_FINETAG_ABORTED.
 */
export async function planData(data: string | DataSpec, options: PlanDataOptions = {}): Promise<DataSummary> {
  const { labels, labelFile, columns, signal } = options;
  const spec = typeof data === "string" ? { path: data } : data;
  const known = labelFile === undefined ? labels && [...labels] : await readLabelFile(labelFile);
  const file = await openData(spec, { labels: known, columns, requireLabels: true, signal });
  const rows = new Float64Array(file.labels.length);
  const unknown = new Float64Array(file.labels.length);
  let count = 0;
  for await (const row of file.rows(signal)) {
    count++;
    for (const [i, label] of row.labels.entries()) if ((row.targets?.[i] ?? 1) >= 0.5) rows[label]!++;
    for (const label of row.unknown ?? []) unknown[label]!++;
  }
  return {
    ...file.plan,
    rows: count,
    emptyTexts: file.emptyTexts,
    unlabeledRows: file.unlabeledRows,
    mergedRows: file.mergedRows,
    labelCounts: file.labels.map((label, i) => ({ label, rows: rows[i]!, unknown: unknown[i]! })),
  };
}

const SHOWN_LABELS = 6;

/** A plan as text for people: a line about the file, one about its columns, and one for what else was told. */
export function describePlan(plan: DataPlan, rows?: number): string {
  const { columns, unused, unusedLabels, notes } = plan;
  const parts = [
    `text from ${show(columns.text)}`,
    ...(columns.textPair === undefined ? [] : [`second text from ${show(columns.textPair)}`]),
    ...(columns.id === undefined ? [] : [`id from ${show(columns.id)}`]),
    ...(columns.labels.kind === "none" ? [] : [labelsText(plan)]),
    ...rulesTexts(columns),
    ...(unused.length === 0
      ? []
      : [
          `not used: ${some(unused.map((name) => show(name) + (unusedLabels.includes(name) ? " (0/1)" : "")))}`,
        ]),
    ...(rows === undefined ? [] : [rows === 1 ? "1 row" : `${rows.toLocaleString("en-US")} rows`]),
  ];
  return [fileText(plan), parts.join("; "), ...(notes.length === 0 ? [] : [notes.join("; ")])].join("\n");
}

function fileText({ path, format, container, encoding, delimiter }: DataPlan): string {
  const usual = format === "csv" ? "," : "\t";
  const dialect =
    delimiter === undefined || delimiter === usual ? "" : `, fields separated by ${show(delimiter)}`;
  const packed = container === "plain" ? "" : ` in ${container}`;
  return `${path}: ${format}${packed}${encoding === undefined ? "" : `, ${encoding}`}${dialect}`;
}

function labelsText({ labels, shape }: DataPlan): string {
  const names = labels.slice(0, SHOWN_LABELS).map(show).join(", ");
  const more = labels.length > SHOWN_LABELS ? ", …" : "";
  return `${labels.length} label${labels.length === 1 ? "" : "s"} from ${shape} (${names}${more})`;
}

function rulesTexts({ labels, mergeDuplicates }: DataColumns): string[] {
  if (labels.kind === "none") return [];
  const { missing, soft, threshold } = labels;
  return [
    ...(missing === "mask" ? ["unknown labels left out"] : []),
    ...(missing === "negative" ? ["unknown labels read as 0"] : []),
    ...(soft ? ["values between 0 and 1 kept as targets"] : []),
    ...(threshold === undefined ? [] : [`values from ${threshold} on read as 1`]),
    ...(mergeDuplicates ? ["rows with the same text merged"] : []),
  ];
}

/** Names that are quoted already. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(", ");
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown;
}
