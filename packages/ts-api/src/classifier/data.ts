import {
  type DataColumns,
  type DataFile,
  type DataPlan,
  type DataSpec,
  openData,
  similarNames,
} from "../data/index.ts";
import { FinetagError } from "../errors/index.ts";
import { collectLabels, fileSource, memorySource, type RowSource } from "../training/index.ts";
import type { LabeledData, LabeledText } from "./types.ts";

/** Labelled data with known labels and columns. */
export interface OpenedData {
  labels: string[];
  columns: DataColumns;
  source: RowSource;
  /** How the file is read; absent for rows in memory. */
  plan?: DataPlan;
  /** What may be a mistake in the data. */
  warnings: string[];
}

/** Rows in memory have no file columns. */
const NO_COLUMNS: DataColumns = { text: "text", labels: { kind: "none" } };

/**
 * @param known labels of the model, and the columns it was trained on; labels are collected from the data if absent
 */
export async function openLabeledData(
  name: string,
  data: LabeledData,
  known: { labels?: readonly string[]; columns?: DataColumns },
): Promise<OpenedData> {
  if (isRows(data)) {
    const labels = [...(known.labels ?? collectLabels(name, data))];
    const source = memorySource(name, data, labels);
    const warnings = known.labels === undefined ? similarNames(labels).map((what) => `${name}: ${what}`) : [];
    return { labels, columns: NO_COLUMNS, source, warnings };
  }
  checkSpec(name, data);
  const spec: DataSpec = typeof data === "string" ? { path: data } : data;
  const columns = known.columns?.labels.kind === "none" ? undefined : known.columns;
  const options = { labels: known.labels && [...known.labels], columns, requireLabels: true };
  const file: DataFile = await openData(spec, options);
  const { plan } = file;
  return {
    labels: file.labels,
    columns: file.columns,
    source: await fileSource(file),
    plan,
    warnings: plan.warnings,
  };
}

/** @throws FinetagError `ERR_FINETAG_ARGUMENT` */
function checkSpec(name: string, data: unknown): void {
  if (typeof data === "string") return;
  if (typeof data === "object" && data !== null && typeof (data as DataSpec).path === "string") return;
  const what = `\`${name}\` is neither a path, nor an object with a \`path\`, nor an array of rows`;
  throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: name });
}

function isRows(data: LabeledData): data is readonly LabeledText[] {
  return Array.isArray(data);
}
