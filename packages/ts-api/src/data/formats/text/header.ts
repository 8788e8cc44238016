import { FinetagError } from "../../../errors/index.ts";
import { dataError, NAME_COLUMNS, show, showList } from "../../errors.ts";
import type { DataSpec } from "../../types.ts";
import type { TextRecord } from "./csv.ts";
import type { FieldLayout } from "./field-table.ts";

/** A blank line, or a row of a spreadsheet without any text. */
export function isEmptyRecord({ fields }: Pick<TextRecord, "fields">): boolean {
  return fields.every((field) => field === "");
}

/** Names the columns of a table by its first record or by the given `columns`, and decides which are passed over. */
export function nameColumns(
  spec: DataSpec,
  sample: readonly TextRecord[],
  { hasHeader, textName }: { hasHeader: boolean; textName: string },
): FieldLayout {
  const first = sample[0]!;
  const names = hasHeader
    ? first.fields.map((name) => name.trim())
    : positionNames(spec, first, textName).map((name) => name.trim());
  const isEmpty = (i: number) =>
    sample.slice(hasHeader ? 1 : 0).every(({ fields }) => (fields[i] ?? "") === "");
  const dropped = hasHeader ? unnamedColumns(names, isEmpty) : [];
  const places = names.map((_, i) => i).filter((i) => !dropped.includes(i));
  const kept = places.map((i) => names[i]!);
  if (hasHeader) checkGivenNames(spec, first.row, names, kept);
  checkNames(spec, kept, places, hasHeader ? first.row : undefined);
  return { names: kept, places, width: names.length, dropped };
}

/**
 * The columns without a name, without the one of row numbers that pandas and R write: it is the first, or the only one, and
 * not empty.
 */
function unnamedColumns(names: readonly string[], isEmpty: (i: number) => boolean): number[] {
  const unnamed = names.flatMap((name, i) => (name === "" ? [i] : []));
  const filled = unnamed.filter((i) => !isEmpty(i));
  const index = filled.length === 1 || filled[0] === 0 ? filled[0] : undefined;
  return unnamed.filter((i) => i !== index);
}

/** The given `columns` have to be those of the header. */
function checkGivenNames(
  spec: DataSpec,
  row: number,
  names: readonly string[],
  kept: readonly string[],
): void {
  const wanted = spec.columns?.map((name) => name.trim());
  const isSame = (found: readonly string[]) =>
    wanted?.length === found.length && wanted.every((name, i) => name === found[i]);
  if (wanted === undefined || isSame(names) || isSame(kept)) return;
  throw dataError(
    spec.path,
    row,
    `the header has ${showList(names)}, but \`columns\` has ${showList(wanted)}; ` +
      "if the file has no header, use `header: false`",
    "columns",
  );
}

function positionNames(spec: DataSpec, first: TextRecord, textName: string): string[] {
  const found = first.fields.length;
  if (spec.columns === undefined) {
    if (found === 1) return [textName];
    const what = `has ${found} columns and no header; name them in order, for example \`columns: ["text", "labels", "id"]\``;
    throw dataError(spec.path, first.row, what, "columns");
  }
  if (spec.columns.length !== found) {
    const names = showList(spec.columns);
    const what = `expected ${spec.columns.length} fields (${names}), found ${found}; name every column in order`;
    throw dataError(spec.path, first.row, what, "columns");
  }
  return spec.columns;
}

function checkNames(
  spec: DataSpec,
  columns: readonly string[],
  places: readonly number[],
  headerRow: number | undefined,
): void {
  const seen = new Map<string, number>();
  for (const [i, name] of columns.entries()) {
    const before = seen.get(name);
    seen.set(name, places[i]!);
    if (before === undefined) continue;
    const what = `columns ${before + 1} and ${places[i]! + 1} are both called ${show(name)}; rename one`;
    const advice = /^\d+(?:\.\d+)?$/.test(name) ? `; if the file has no header, ${NAME_COLUMNS}` : "";
    if (headerRow !== undefined) throw dataError(spec.path, headerRow, what + advice);
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "columns" });
  }
}
