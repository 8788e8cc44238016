/**
 * How a file is read.
 * - `csv`: RFC 4180, comma and double quotes;
 * - `tsv`: tabs and no quoting at all, so a bare `"` is text (GoEmotions' format);
 * - `jsonl`: one JSON object per line;
 * - `txt`: one text per line, no header, no labels (prediction only).
 */
export type DataFormat = "csv" | "tsv" | "jsonl" | "txt";

/** What a user may say about a data file; everything but the path is optional. */
export interface DataSpec {
  path: string;
  /** Default: from the extension (.csv, .tsv, .jsonl, .ndjson, .json, .txt). */
  format?: DataFormat;
  /** Whether the first row of a CSV or TSV names the columns. Default: true. */
  header?: boolean;
  /** Names by position, needed where `header` is false; with a header they must repeat it. */
  columns?: string[];
  textColumn?: string;
  textPairColumn?: string;
  idColumn?: string;
  /** The 0/1 columns, in the order of the labels. */
  labelColumns?: string[];
  /** The one column that lists a row's labels: a delimited cell or a JSON list. */
  labelsColumn?: string;
  /** Default: ",". Naming one says that the cells are delimited, never JSON. */
  labelSeparator?: string;
}

/** Whether a list of labels holds names, or ids that index the label list (from 0). */
export type LabelValues = "names" | "ids";

/**
 * Which columns mean what. Resolved once, on the training file; saved in finetag.json; used by name on
 * every other file.
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

/** An opened file: its columns and labels are known, its rows are read as they are asked for. */
export interface DataFile {
  readonly path: string;
  readonly format: DataFormat;
  readonly columns: DataColumns;
  /** Whether the first row names the columns, and the names by position (of a JSONL file: the fields it has). */
  readonly layout: { readonly header: boolean; readonly names: readonly string[] };
  /** The label names in order: index i here is index i in `DataRow.labels`. */
  readonly labels: string[];
  /** Rows whose text was empty or white space, counted by the latest `rows()` as it went. They are kept. */
  readonly emptyTexts: number;
  /**
   * Streams the rows in file order; may be called again for another pass.
   * @throws {FinetagError} ERR_FINETAG_DATA at the first row that cannot be used, with file and line;
   *   ERR_FINETAG_IO where the file cannot be read; ERR_FINETAG_ABORTED after an abort.
   */
  rows(signal?: AbortSignal): AsyncGenerator<DataRow, void, undefined>;
}

export interface OpenDataOptions {
  /** The label names in order, where they are known (a labels file, a saved model). */
  labels?: string[];
  /** True to train or evaluate. False to predict: label columns are not looked at and may be missing. */
  requireLabels: boolean;
  /** The columns of the training file; what `DataSpec` names wins over them. */
  columns?: DataColumns;
  /** Stops a pass over a long file. */
  signal?: AbortSignal;
}
