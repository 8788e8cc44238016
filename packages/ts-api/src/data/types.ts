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
  /** Default: detected from the content, and from the extension where the content leaves it open. */
  format?: DataFormat;
  /** Character encoding, by its name on the web, such as "gb18030" or "windows-1252". Default: detected from the content. */
  encoding?: string;
  /** The character between two fields of a line. Default: detected from the content. */
  delimiter?: string;
  /** Whether double quotes enclose fields. Default: true for `csv`, detected from the content for `tsv`. */
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
  /** Default: detected from the cells. If it is set, cells are delimited, never JSON. */
  labelSeparator?: string;
  /** What the cells of `labelsColumn` hold: names, ids from 0, or a 0 or 1 for each label. Default: detected from the cells. */
  labelValues?: LabelValues | "flags";
  /** What to do with unknown labels (-1, NaN, blank): see {@link LabelRules}. Default: they are refused. */
  missing?: "mask" | "negative";
  /** Take values between 0 and 1 as targets. Default: they are refused. */
  softLabels?: boolean;
  /** Read values from this one on as 1, lower ones as 0. */
  labelThreshold?: number;
  /** Make one row of all rows with the same text. */
  mergeDuplicates?: boolean;
}

/** Whether lists of labels contain names, or ids that index the label list (from 0). */
export type LabelValues = "names" | "ids";

/** What cells mean that are not simply 0 or 1. Without a rule for them, such cells are refused. */
export interface LabelRules {
  /** Unknown labels (-1, NaN, blank): left out of loss and metrics, or read as 0. */
  missing?: "mask" | "negative";
  /** Values between 0 and 1 are targets as they are. */
  soft?: true;
  /** Values from this one on are 1, lower ones 0. */
  threshold?: number;
  /** Blank cells and absent fields mean 0, as only the labels that apply are marked. */
  blank?: "no";
}

/**
 * The role of each column. Resolved once, on the training file; saved in finetag.json; used by name on all other files.
 * Keys that do not apply are absent.
 */
export interface DataColumns {
  text: string;
  textPair?: string;
  id?: string;
  /**
   * - `columns`: a 0/1 column for each label;
   * - `delimited`, `json`: one column that lists names or ids, as text with a separator, or as a list in JSON, Python's or
   *   numpy's notation (with a separator if plain cells next to the lists have several names);
   * - `flags`: one column with a 0 or 1 for each label, in the order of the labels;
   * - `object`: one column with an object that has a 0 or 1 for each label by its name.
   */
  labels:
    | ({ kind: "columns"; names: string[] } & LabelRules)
    | ({ kind: "delimited"; column: string; separator: string; values?: LabelValues } & LabelRules)
    | ({ kind: "json"; column: string; separator?: string; values?: LabelValues } & LabelRules)
    | ({ kind: "flags"; column: string; separator?: string } & LabelRules)
    | ({ kind: "object"; column: string } & LabelRules)
    | { kind: "none" };
  /** Rows with the same text are one row with the labels of all. */
  mergeDuplicates?: true;
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
  /** With graded labels: the target of each of `labels`, above 0 and at most 1. Without it, all are 1. */
  targets?: number[];
  /** The indices of the labels that are unknown for this row, ascending; absent if all are known. */
  unknown?: number[];
}

/** What was decided about a file before its rows are read, and what a user should know of it. */
export interface DataPlan {
  path: string;
  format: DataFormat;
  /** `plain`, `gzip`, `zstd` or `zip`. */
  container: string;
  /** Undefined for a binary format. */
  encoding: string | undefined;
  delimiter?: string;
  columns: DataColumns;
  labels: string[];
  /** Where the labels are, in words: `6 columns of 0/1`, `column "tags", separated by ";"`. */
  shape: string;
  /** Columns that nothing uses, in the order of the file. */
  unused: string[];
  /** Those of `unused` that hold 0 and 1 in their first rows, as labels do. */
  unusedLabels: string[];
  /** What else was detected from the content, as whole clauses. */
  notes: string[];
  /** What may be a mistake: each a sentence with its remedy. */
  warnings: string[];
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
  /** What was decided about the file; notes that depend on rows are there after `rows()`. */
  readonly plan: DataPlan;
  /** Number of rows with an empty or blank text, as counted by the latest `rows()`. These rows are kept. */
  readonly emptyTexts: number;
  /** Number of rows that `rows()` left out, as none of their labels is known; counted by the latest `rows()`. */
  readonly unlabeledRows: number;
  /** Number of rows that were merged into an earlier one with the same text; counted by the latest `rows()`. */
  readonly mergedRows: number;
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
