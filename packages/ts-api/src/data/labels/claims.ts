import { FinetagError } from "../../errors/index.ts";
import { columnWord, dataError, didYouMean, NAME_COLUMNS, show, showList } from "../errors.ts";
import type { Table } from "../formats/index.ts";

/** Columns that pandas and spreadsheets write without being asked, for row numbers. */
const UNNAMED = /^(?:|unnamed: \d+(?:\.\d+)*|level_\d+)$/i;
/** Columns that people have for row numbers. */
const ROW_NUMBERS = /^(?:index|idx|row|row_?id|row_?number|#|序号|编号)$/i;
/** Columns with an id for each row. */
const IDS = /^(?:id|guid|uid|uuid|(?:text|comment|doc|document|example|sample)_?id)$/i;

/** What a column can be used for, with the option that names it. */
const ROLES = {
  text: "textColumn",
  "text pair": "textPairColumn",
  id: "idColumn",
  "label column": "labelColumns",
  "labels column": "labelsColumn",
} as const;

export type Role = keyof typeof ROLES;

/** Which column of a table is used for what; no column serves twice. */
export class Claims {
  readonly #table: Table;
  readonly #present: ReadonlySet<string>;
  readonly #reserved: ReadonlySet<string>;
  readonly #roles = new Map<string, Role>();

  /** @param reserved Columns that are never guessed. */
  constructor(table: Table, reserved: Iterable<string>) {
    this.#table = table;
    this.#present = new Set(table.columns);
    this.#reserved = new Set(reserved);
  }

  has(column: string): boolean {
    return this.#present.has(column);
  }

  /** Whether the column is there, unused and not reserved. */
  isFree(column: string): boolean {
    return this.has(column) && !this.#roles.has(column) && !this.#reserved.has(column);
  }

  /** Takes a column that has to be there and free. */
  claim(role: Role, column: string): string {
    const word = columnWord(this.#table.format);
    if (!this.has(column)) {
      const advice = didYouMean(column, this.#table.columns);
      throw this.error(`no ${word} ${show(column)} for the ${role}${advice}`, ROLES[role]);
    }
    const before = this.#roles.get(column);
    if (before !== undefined) {
      const what = before === role ? `named twice as ${role}` : `both the ${before} and the ${role}`;
      throw new FinetagError("ERR_FINETAG_ARGUMENT", `${word} ${show(column)} is ${what}; use each once`, {
        option: ROLES[role],
      });
    }
    this.#roles.set(column, role);
    return column;
  }

  /** The free column with the first of these usual names, compared without case. */
  guess(usualNames: readonly string[]): string | undefined {
    const free = this.#table.columns.filter((name) => this.isFree(name));
    for (const usual of usualNames) {
      const match = free.find((name) => name.toLowerCase() === usual);
      if (match !== undefined) return match;
    }
    return undefined;
  }

  /** The columns that nothing uses. */
  unclaimed(columns: readonly string[]): string[] {
    return columns.filter((name) => !this.#roles.has(name));
  }

  /** Whether a column's name says that it numbers the rows. */
  isNumbering(column: string): boolean {
    return UNNAMED.test(column) || ROW_NUMBERS.test(column) || IDS.test(column);
  }

  /** Whether a column has no name of anybody's choice. */
  isUnnamed(column: string): boolean {
    return UNNAMED.test(column);
  }

  /** An error about the columns as a whole: lists what there is, and says what it may come from. */
  error(what: string, option?: string): FinetagError {
    const { path, format, headerRow, columns } = this.#table;
    const list = `the file has ${showList(columns)}`;
    const separator = what.endsWith("?") ? " " : "; ";
    return dataError(path, headerRow, `${what}${separator}${list}${this.#suspicion(format)}`, option);
  }

  #suspicion(format: string): string {
    const { headerRow, columns } = this.#table;
    if (headerRow === undefined) return "";
    if (format === "csv" && columns.length === 1 && /[;\t]/.test(columns[0]!)) {
      return '; a CSV is separated by commas; convert it, or use `format: "tsv"` if these are tabs';
    }
    const looksLikeData = columns.some(
      (name) => name.length > 60 || /^\d+(?:,\d+)*$/.test(name) || isSentence(name),
    );
    return looksLikeData ? `; if the file has no header, ${NAME_COLUMNS}` : "";
  }
}

/** Whether a column's name has more words than names have. */
function isSentence(name: string): boolean {
  return name.trim().split(/\s+/).length > 4;
}
