import { createHash } from "node:crypto";
import type { DataRow } from "./types.ts";

/** Two texts with the same key are the same, for all that can happen. */
export function textKey({ text, textPair }: Pick<DataRow, "text" | "textPair">): string {
  const hash = createHash("md5").update(text);
  if (textPair !== undefined) hash.update("\0").update(textPair);
  return hash.digest("base64");
}

type Merged = Map<number, number>;

/** A label that no row knows. */
const UNKNOWN = -1;

/**
 * Makes one row of all rows with the same text, in the place of the first: it has the labels of all, each with the highest
 * target; a label is unknown if it is in all of them. Reads the rows twice, and keeps the labels of each text in memory.
 *
 * @param rows opens a new pass
 * @param onMerged called for each row that goes into an earlier one
 */
export async function* mergeRows(
  rows: () => AsyncIterable<DataRow>,
  onMerged: () => void,
): AsyncGenerator<DataRow, void, undefined> {
  const texts = new Map<string, Merged>();
  for await (const row of rows()) {
    const key = textKey(row);
    const merged = texts.get(key);
    if (merged === undefined) {
      texts.set(key, targetsOf(row));
      continue;
    }
    onMerged();
    join(merged, targetsOf(row));
  }
  for await (const { labels: _labels, targets: _targets, unknown: _unknown, ...row } of rows()) {
    const key = textKey(row);
    const merged = texts.get(key);
    if (merged === undefined) continue;
    texts.delete(key);
    yield { ...row, ...rowOf(merged) };
  }
}

/** Targets above 0, and unknown labels. */
function targetsOf({ labels, targets, unknown = [] }: DataRow): Merged {
  const merged: Merged = new Map(unknown.map((label) => [label, UNKNOWN]));
  for (const [i, label] of labels.entries()) merged.set(label, targets?.[i] ?? 1);
  return merged;
}

function join(merged: Merged, other: Merged): void {
  for (const [label, target] of merged) {
    if (target === UNKNOWN && !other.has(label)) merged.delete(label);
  }
  for (const [label, target] of other) {
    const before = merged.get(label);
    if (target !== UNKNOWN) merged.set(label, Math.max(before ?? 0, target));
  }
}

function rowOf(merged: Merged): Pick<DataRow, "labels" | "targets" | "unknown"> {
  const ordered = [...merged].sort(([a], [b]) => a - b);
  const known = ordered.filter(([, target]) => target !== UNKNOWN);
  const unknown = ordered.filter(([, target]) => target === UNKNOWN).map(([label]) => label);
  const targets = known.map(([, target]) => target);
  return {
    labels: known.map(([label]) => label),
    ...(targets.every((target) => target === 1) ? {} : { targets }),
    ...(unknown.length === 0 ? {} : { unknown }),
  };
}

/** Rows that are looked at for texts that come again. */
const SAMPLE_ROWS = 20_000;

export interface RepeatedTexts {
  texts: number;
  /** Lines of the first text's first two rows. */
  rows: [number, number];
}

/** Texts that come on several rows with different labels. */
export async function findRepeatedTexts(rows: AsyncIterable<DataRow>): Promise<RepeatedTexts | undefined> {
  const seen = new Map<string, { row: number; labels: string; isCounted: boolean }>();
  let read = 0;
  let found: RepeatedTexts | undefined;
  for await (const data of rows) {
    const labels = data.labels.join();
    const key = textKey(data);
    const before = seen.get(key);
    if (before === undefined) seen.set(key, { row: data.row, labels, isCounted: false });
    else if (before.labels !== labels && !before.isCounted && /\S/.test(data.text)) {
      before.isCounted = true;
      found ??= { texts: 0, rows: [before.row, data.row] };
      found.texts++;
    }
    if (++read === SAMPLE_ROWS) break;
  }
  return found;
}
