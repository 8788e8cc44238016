import { oneLine } from "../../../errors/index.ts";
import { dataError, showList } from "../../errors.ts";
import type { FieldSource, TextRecord } from "../text/index.ts";

const BATCH = 1000;

/**
 * The first sheet with rows of an Excel workbook (.xlsx), read by read-excel-file; cells are as Excel would write them to a
 * CSV. `row` is the row of the sheet. A sheet is in memory as a whole: its texts are in another part of the archive.
 * `openZip` has refused a workbook that is too large for that.
 */
export async function workbookSource(path: string): Promise<FieldSource> {
  const { default: readWorkbook } = await import("read-excel-file/node");
  let sheets: { sheet: string; data: unknown[][] }[];
  try {
    sheets = await readWorkbook(path, { trim: false });
  } catch (cause) {
    const why = oneLine((cause as Error).message);
    throw dataError(path, undefined, `cannot be read as an Excel file: ${why}; save it again, or as CSV`);
  }
  const filled = sheets.filter(({ data }) =>
    data.some((row) => row.some((cell) => cell !== null && cell !== "")),
  );
  const chosen = filled[0];
  if (chosen === undefined) throw dataError(path, undefined, "is empty: no sheet has a row");
  const others = filled.slice(1).map(({ sheet }) => sheet);
  const notes =
    others.length === 0 ? [] : [`read from the sheet "${chosen.sheet}", not from ${showList(others)}`];
  const { data } = chosen;
  const records: TextRecord[] = data.map((cells, i) => ({ row: i + 1, fields: cells.map(cellText) }));

  async function* batches(): AsyncGenerator<TextRecord[], void, undefined> {
    for (let start = 0; start < records.length; start += BATCH) yield records.slice(start, start + BATCH);
  }
  return {
    path,
    format: "xlsx",
    source: { container: "plain", format: "xlsx", encoding: undefined, files: [path], notes },
    named: true,
    raggedRemedy: "correct the row",
    records: batches,
  };
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "boolean") return cell ? "TRUE" : "FALSE";
  return cell instanceof Date ? cell.toISOString() : String(cell);
}
