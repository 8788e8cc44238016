/** The labels of a row, by their indices. */
export interface RowLabels {
  /** Labels with a target above 0, ascending. */
  labels: readonly number[];
  /** The target of each of `labels`, at most 1; all are 1 if absent. */
  targets?: readonly number[] | undefined;
  /** Labels that are unknown, ascending; none if absent. */
  unknown?: readonly number[] | undefined;
}

/** A label with at least this target counts as positive in metrics. */
export const POSITIVE_TARGET = 0.5;

/** What metrics get for an unknown label, next to 0 and 1. */
export const UNKNOWN_LABEL = 2;

/** The labels of a block's rows, end to end. */
export interface PackedLabels {
  /** Indices of the labels with a target above 0. */
  labels: Int32Array;
  /** Where a row's labels start in `labels`, `[rows + 1]`. */
  labelStarts: Int32Array;
  /** The targets of `labels`; absent when all are 1. */
  targets?: Float32Array | undefined;
  /** Indices of the unknown labels, and where a row's start, `[rows + 1]`; absent when all labels are known. */
  unknown?: Int32Array | undefined;
  unknownStarts?: Int32Array | undefined;
}

export function packLabels(rows: readonly RowLabels[]): PackedLabels {
  const packed: PackedLabels = pack(rows.map(({ labels }) => labels));
  if (rows.some(({ targets }) => targets !== undefined)) {
    packed.targets = new Float32Array(packed.labels.length).fill(1);
    for (const [i, { targets }] of rows.entries()) {
      if (targets !== undefined) packed.targets.set(targets, packed.labelStarts[i]);
    }
  }
  if (rows.some(({ unknown = [] }) => unknown.length > 0)) {
    const { labels, labelStarts } = pack(rows.map(({ unknown = [] }) => unknown));
    packed.unknown = labels;
    packed.unknownStarts = labelStarts;
  }
  return packed;
}

function pack(lists: readonly (readonly number[])[]): Pick<PackedLabels, "labels" | "labelStarts"> {
  const labelStarts = new Int32Array(lists.length + 1);
  for (const [i, list] of lists.entries()) labelStarts[i + 1] = labelStarts[i]! + list.length;
  const labels = new Int32Array(labelStarts[lists.length]!);
  for (const [i, list] of lists.entries()) labels.set(list, labelStarts[i]);
  return { labels, labelStarts };
}

/** Calls `visit` with each label of a row that has a target above 0. */
export function eachTarget(
  { labels, labelStarts, targets }: Readonly<PackedLabels>,
  row: number,
  visit: (label: number, target: number) => void,
): void {
  for (let k = labelStarts[row]!; k < labelStarts[row + 1]!; k++) visit(labels[k]!, targets?.[k] ?? 1);
}

/** Calls `visit` with each unknown label of a row. */
export function eachUnknown(
  { unknown, unknownStarts }: Readonly<PackedLabels>,
  row: number,
  visit: (label: number) => void,
): void {
  if (unknown === undefined || unknownStarts === undefined) return;
  for (let k = unknownStarts[row]!; k < unknownStarts[row + 1]!; k++) visit(unknown[k]!);
}
