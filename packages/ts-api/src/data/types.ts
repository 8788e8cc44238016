/**
 * How a file is read.
 * - `csv`: RFC 4180, double quotes, separated by comma, semicolon, tab or `|`;
 * - `tsv`: tabs; a bare `"` is text (GoEmotions' format), unless the file is quoted throughout;
 * - `jsonl`: one JSON object per line;
 * - `json`: an array of objects, or an object that holds the rows;
 * - `txt`: one text per line, no header, no labels (prediction only);
 * - `fasttext`: `__label__a __label__b text`;
 * - `libmultilabel`: `labels<TAB>text` or `id<TAB>labels<TAB>text`, labels separated by spaces;
 * - `parquet`, `xlsx` (the first sheet with rows), `arrow` (Arrow IPC, Feather 2, a saved Hugging Face dataset).
 */
export type DataFormat =
  | "csv"
  | "tsv"
  | "jsonl"
  | "json"
  | "txt"
  | "fasttext"
  | "libmultilabel"
  | "parquet"
  | "xlsx"
  | "arrow";

/** A data file and how to read it; everything except the path is optional. */
export interface DataSpec {
  /** A file; or a folder of files, or a pattern with `*` in its last part, which are read as one file. */
  path: string;
  /** Default: told from the content, and from the extension where the content leaves it open. */
  format?: DataFormat;
  /** Character encoding, by its name on the web, such as "gb18030" or "windows-1252". Default: told from the content. */
  encoding?: string;
  /** The character between two fields of a line. Default: told from the content. */
  delimiter?: string;
  /** Whether double quotes enclose fields. Default: true for `csv`, told from the content for `tsv`. */
  quoted?: boolean;
  /** Whether the first row of a CSV or TSV names the columns. Default: true. */
  header?: boolean;
  /** Column names in order, required if `header` is false; with a header they must match it. */
  columns?: string[];
  textColumn?: string;
  textPairColumn?: string;
  idColumn?: string;
  /** The 0/1 columns, in label order. */
  labelColumns?: string[];
  /** The one column that lists a row's labels: a delimited cell or a JSON list. */
  labelsColumn?: string;
  /** Default: ",". If it is set, cells are delimited, never JSON. */
  labelSeparator?: string;
}

/** Whether lists of labels contain names, or ids that index the label list (from 0). */
export type LabelValues = "names" | "ids";

/**
 * The role of each column. Resolved once, on the training file; saved in finetag.json; used by name on all other files.
 */
export interface DataColumns {
  text: string;
  textPair?: string;
  id?: string;
  labels:
    | { kind: "columns"; names: string[] }
    | { kind: "delimited"; column: string; separator: string; values?: LabelValues }
    | { kind: "json"; column: string; values?: LabelValues }
    | { kind: "none" };
}

/** One labelled text. */
export interface DataRow {
  /** The 1-based line of the file on which the record starts. */
  row: number;
  id?: string;
  text: string;
  textPair?: string;
  /** The indices of the row's labels in `DataFile.labels`, ascending; empty without labels. */
  labels: number[];
}

/** How a file was read, as far as it was told from its content. */
export interface TableSource {
  readonly container: "plain" | "gzip" | "zstd" | "zip";
  readonly format: DataFormat;
  /** By its name on the web ("utf-8", "gb18030"); undefined for a binary format. */
  readonly encoding: string | undefined;
  /** For `csv` and `tsv`. */
  readonly delimiter?: string;
  /** Whether a double quote encloses a field: true for `csv`, and for a `tsv` that is quoted throughout. */
  readonly quoted?: boolean;
  /** The files that are read as one, in order; most often one. */
  readonly files: readonly string[];
  /**
   * What else a user should know, as whole clauses ("2 empty columns are passed over"). What depends on rows is here
   * after a pass over them.
   */
  readonly notes: readonly string[];
}

/** An opened file: its columns and labels are known; its rows are read on demand. */
export interface DataFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly columns: DataColumns;
  /** Whether the first row has column names, and the names in order (for a JSONL file: its fields). */
  readonly layout: { readonly header: boolean; readonly names: readonly string[] };
  /** How the bytes were read. */
  readonly source: TableSource;
  /** The label names in order: index i here is index i in `DataRow.labels`. */
  readonly labels: string[];
  /** Number of rows with an empty or blank text, as counted by the latest `rows()`. These rows are kept. */
  readonly emptyTexts: number;
  /**
   * Streams the rows in file order; may be called again for another pass.
   * @throws {FinetagError} ERR_FINETAG_DATA at the first unusable row, with file and line; ERR_FINETAG_IO if the file
   *   cannot be read; ERR_FINETAG_ABORTED after an abort.
   */
  rows(signal?: AbortSignal): AsyncGenerator<DataRow, void, undefined>;
}

export interface OpenDataOptions {
  /** The label names in order, if they are known (a labels file, a saved model). */
  labels?: string[];
  /** True to train or evaluate. False to predict: label columns are ignored and may be missing. */
  requireLabels: boolean;
  /** The columns of the training file; those in `DataSpec` take precedence. */
  columns?: DataColumns;
  /** Stops a pass over a long file. */
  signal?: AbortSignal;
}
