import { dataError } from "../errors.ts";
import type { DataSpec } from "../types.ts";
import { arrowSource, parquetSource, workbookSource } from "./binary/index.ts";
import { type Contents, openContents } from "./container/index.ts";
import { findDialect, findLineEnd, linesOf } from "./dialect/index.ts";
import { decodeHead, detectEncoding, readText } from "./encoding/index.ts";
import { binaryFormat, checkFormat, textFormat } from "./format.ts";
import { jsonLayout, readJson, readJsonl } from "./json/index.ts";
import { type ObjectRecord, type ObjectSource, openObjectTable } from "./object-table.ts";
import type { Table, TableSource } from "./table.ts";
import {
  type FieldSource,
  openFieldTable,
  readFields,
  readLabelledLines,
  readLibMultiLabel,
  readLines,
} from "./text/index.ts";

/**
 * Opens a file and reads its header; container, encoding, format and dialect are detected from its content. `textName` names the
 * only column of a file without any names. `labelled` is whether rows have labels: lines of text are otherwise read as they
 * are, whatever they contain.
 *
 * @throws {FinetagError} ERR_FINETAG_DATA for a file without rows, a header with a name twice, or `columns`
 *   that contradict the file; ERR_FINETAG_ARGUMENT for a `columns` or `header` that does not apply.
 */
export async function openFile(
  spec: DataSpec,
  textName: string,
  signal: AbortSignal | undefined,
  labelled: boolean,
): Promise<Table> {
  checkFormat(spec.format);
  const contents = await openContents(spec.path, signal);
  const binary = binaryFormat(contents);
  if (binary !== undefined) return openBinary(spec, contents, binary, textName, signal);
  const isBinary = spec.format === "parquet" || spec.format === "arrow" || spec.format === "xlsx";
  if (isBinary)
    throw dataError(spec.path, undefined, `is no ${spec.format} file; leave \`format\` out`, "format");

  const encoding = await detectEncoding(contents, spec.encoding);
  const text = decodeHead(contents, encoding);
  if (contents.whole && /^[\r\n]*$/.test(text))
    throw dataError(spec.path, undefined, "is empty: all of its lines are blank");
  const format = textFormat(spec, contents, text, { labelled, textName });
  const source = { container: contents.container, format, encoding, files: [spec.path], notes: [] };
  const read = (signal?: AbortSignal) => readText(contents, encoding, signal);
  const file: TextFile = { contents, text, read, source };
  switch (format) {
    case "csv":
    case "tsv":
      return openFieldTable(spec, delimitedSource(spec, file), textName, signal);
    case "txt":
      return openFieldTable(spec, lineSource(file), textName, signal);
    case "jsonl":
    case "json":
      return openObjectTable(spec, jsonSource(file, textName), signal);
    case "fasttext":
    case "libmultilabel":
      return openObjectTable(spec, labelledSource(file), signal);
  }
}

/** A file of text whose format is known. */
interface TextFile {
  contents: Contents;
  /** Its start. */
  text: string;
  /** Its text in UTF-8. */
  read(signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined>;
  source: TableSource;
}

async function openBinary(
  spec: DataSpec,
  { path, container }: Contents,
  format: "parquet" | "arrow" | "xlsx",
  textName: string,
  signal?: AbortSignal,
): Promise<Table> {
  if (spec.format !== undefined && spec.format !== format) {
    throw dataError(path, undefined, `is a file of format ${format}; leave \`format\` out`, "format");
  }
  if (container !== "plain") {
    throw dataError(
      path,
      undefined,
      `holds a file of format ${format} inside ${container}; decompress it first`,
    );
  }
  if (format === "xlsx") return openFieldTable(spec, await workbookSource(path), textName, signal);
  const source = format === "parquet" ? await parquetSource(path) : await arrowSource(path);
  return openObjectTable(spec, source, signal);
}

function delimitedSource(spec: DataSpec, { contents, text, read, source }: TextFile): FieldSource {
  const { path, whole } = contents;
  const usual = source.format === "tsv" ? "\t" : ",";
  const dialect = findDialect(spec, text, { usual, whole });
  const { delimiter, quoted } = dialect;
  const raggedRemedy = quoted
    ? `quote a field that holds a ${nameOf(delimiter)}, a quote or a line break`
    : `remove ${nameOf(delimiter)}s from the texts, or correct the columns`;
  return {
    path,
    format: source.format,
    source: { ...source, delimiter, quoted },
    named: true,
    raggedRemedy,
    records: (signal) => readFields(path, () => read(signal), dialect),
  };
}

function nameOf(delimiter: string): string {
  return { ",": "comma", ";": "semicolon", "\t": "tab" }[delimiter] ?? `"${delimiter}"`;
}

function lineSource({ contents: { path }, text, read, source }: TextFile): FieldSource {
  const lineEnd = findLineEnd(text);
  async function* records(signal?: AbortSignal) {
    for await (const lines of readLines(path, read(signal), lineEnd)) {
      yield lines.map(({ row, text }) => ({ row, fields: [text] }));
    }
  }
  return { path, format: "txt", source, named: false, raggedRemedy: "", records };
}

function jsonSource({ contents, text, read, source }: TextFile, textName: string): ObjectSource {
  const { path, whole } = contents;
  const layout = jsonLayout(path, text, { whole, textName }) ?? { kind: "lines" };
  const format = layout.kind === "lines" ? "jsonl" : "json";
  const lineEnd = findLineEnd(text);
  const notes = "key" in layout && layout.key !== undefined ? [`rows under "${layout.key}"`] : [];
  return {
    path,
    format,
    source: { ...source, format, notes },
    objects: (signal) =>
      layout.kind === "lines" ? readJsonl(path, read(signal), lineEnd) : readJson(path, read(signal), layout),
  };
}

function labelledSource({ contents: { path, whole }, text, read, source }: TextFile): ObjectSource {
  const lineEnd = findLineEnd(text);
  const isFastText = source.format === "fasttext";
  const width = isFastText ? 0 : (linesOf(text, lineEnd, whole)[0]?.split("\t").length ?? 2);
  async function* objects(signal?: AbortSignal): AsyncGenerator<ObjectRecord[], void, undefined> {
    for await (const lines of readLines(path, read(signal), lineEnd)) {
      const rows = isFastText
        ? readLabelledLines(lines)
        : readLibMultiLabel(path, lines, width === 3 ? 3 : 2);
      if (rows.length > 0) yield rows.map(({ row, fields }) => ({ row, object: { ...fields } }));
    }
  }
  const columns = width === 3 ? ["id", "labels", "text"] : ["labels", "text"];
  return { path, format: source.format, source, columns, objects };
}
