import { type DataColumns, type DataFile, type DataSpec, openData } from "../data/index.ts";
import { collectLabels, fileSource, memorySource, type RowSource } from "../training/index.ts";
import type { LabeledData, LabeledText } from "./types.ts";

/** Labelled data with known labels and columns. */
export interface OpenedData {
  labels: string[];
  columns: DataColumns;
  source: RowSource;
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
    const labels = [...(known.labels ?? collectLabels(data))];
    return { labels, columns: NO_COLUMNS, source: memorySource(name, data, labels) };
  }
  const spec: DataSpec = typeof data === "string" ? { path: data } : data;
  const columns = known.columns?.labels.kind === "none" ? undefined : known.columns;
  const options = { labels: known.labels && [...known.labels], columns, requireLabels: true };
  const file: DataFile = await openData(spec, options);
  return { labels: file.labels, columns: file.columns, source: await fileSource(file) };
}

function isRows(data: LabeledData): data is readonly LabeledText[] {
  return Array.isArray(data);
}
