import { FinetagError } from "../../../errors/index.ts";
import { dataError, show } from "../../errors.ts";
import type { DataSpec } from "../../types.ts";
import { findLineEnd, type LineEnd } from "./line-end.ts";
import { isEven, type Measure, measure } from "./measure.ts";

/** How the records of a text file are cut into fields. */
export interface Dialect {
  delimiter: string;
  /** Whether double quotes enclose fields. */
  quoted: boolean;
  lineEnd: LineEnd;
  /** Whether the first line only names the delimiter (`sep=;`), for Excel. */
  hasSepLine: boolean;
  /** Whether it cuts all records of the start into as many fields, at least two. */
  fits: boolean;
}

const DELIMITERS = [",", ";", "\t", "|"];

/** Enough records to tell a delimiter; a file of long records is looked at further. */
const SAMPLE_CHARACTERS = 256 * 1024;

/** As in `sep=;`, perhaps quoted; with what follows the line. */
const SEP_LINE = /^"?sep=(.)"?[,;\t|]*(?:\r\n|\n|\r)/i;

interface Candidate extends Measure {
  delimiter: string;
  /** Share of the records that have as many fields as the first one, if that has several. */
  share: number;
}

/**
 * The character that a given delimiter means: a shell gives a tab as `\t`.
 * @throws {FinetagError} ERR_FINETAG_ARGUMENT for one that cannot separate fields.
 */
function delimiterOf(given: string): string {
  const delimiter = given === "\\t" || given.toLowerCase() === "tab" ? "\t" : given;
  if (delimiter !== "" && !/["\r\n]/.test(delimiter)) return delimiter;
  const message = `\`delimiter: ${show(given)}\` cannot separate fields; give a character such as ;`;
  throw new FinetagError("ERR_FINETAG_ARGUMENT", message, { option: "delimiter" });
}

/**
 * Tells the dialect of a table from its start. The format's own delimiter (comma, or tab for `tsv`) is taken wherever it
 * cuts all records into as many fields; else the one that does.
 *
 * @param usual The format's delimiter.
 * @param text The start of the file; `whole` if there is no more.
 * @throws {FinetagError} ERR_FINETAG_DATA where two delimiters fit equally well.
 */
export function findDialect(
  spec: DataSpec,
  text: string,
  { usual, whole }: { usual: "," | "\t"; whole: boolean },
): Dialect {
  const lineEnd = findLineEnd(text);
  const sep = SEP_LINE.exec(text);
  const rest = sep === null ? text : text.slice(sep[0].length);
  const told = sep?.[1] ?? (spec.format === "tsv" ? "\t" : undefined);
  const given = spec.delimiter === undefined ? told : delimiterOf(spec.delimiter);
  const delimiters =
    given === undefined ? [usual, ...DELIMITERS.filter((delimiter) => delimiter !== usual)] : [given];
  const measureBy = (delimiter: string): Candidate => {
    const measured = measureStart(rest, delimiter, { quoted: true, lineEnd, whole });
    const isRaw =
      spec.quoted === false || (delimiter === "\t" && measured.broken && spec.quoted === undefined);
    const found = isRaw ? measureStart(rest, delimiter, { quoted: false, lineEnd, whole }) : measured;
    return { ...found, broken: measured.broken, delimiter, share: shareOf(found) };
  };
  const candidates = delimiters.map(measureBy);
  const { delimiter, share } = choose(spec, candidates);
  const quoted = spec.quoted ?? (delimiter !== "\t" || isQuotedTsv(spec, usual, rest, lineEnd, whole));
  return { delimiter, quoted, lineEnd, hasSepLine: sep !== null, fits: share === 1 };
}

/** Long records need a longer start. */
function measureStart(
  text: string,
  delimiter: string,
  how: { quoted: boolean; lineEnd: LineEnd; whole: boolean },
): Measure {
  if (text.length <= SAMPLE_CHARACTERS) return measure(text, delimiter, how);
  const short = measure(text.slice(0, SAMPLE_CHARACTERS), delimiter, { ...how, whole: false });
  return short.counts.length >= 2 ? short : measure(text, delimiter, how);
}

function shareOf({ header, counts }: Measure): number {
  if (header.length < 2 || counts.length < 2) return 0;
  return counts.filter((count) => count === header.length).length / counts.length;
}

function choose(spec: DataSpec, candidates: Candidate[]): Candidate {
  const usual = candidates[0]!;
  if (candidates.length === 1) return usual;
  if (spec.header === false) return chooseByCount(spec.columns?.length, candidates);
  const fitting = candidates.filter(
    ({ share, broken, delimiter }) => share === 1 && (!broken || delimiter === "\t"),
  );
  if (fitting.length === 0) {
    // Some record is wrong; where, the reader says.
    const better = candidates.filter(({ share }) => share >= 0.9);
    return usual.share < 0.5 && better.length === 1 ? better[0]! : usual;
  }
  if (fitting.length === 1) return fitting[0]!;
  const named = [
    spec.textColumn,
    spec.textPairColumn,
    spec.idColumn,
    spec.labelsColumn,
    ...(spec.labelColumns ?? []),
  ];
  const wanted = named.filter((name) => name !== undefined);
  const having = fitting.filter(({ header }) =>
    wanted.every((name) => header.some((field) => field.trim() === name)),
  );
  if (wanted.length > 0 && having.length === 1) return having[0]!;
  const ranked = [...fitting].sort((a, b) => impurity(a) - impurity(b));
  if (impurity(ranked[0]!) < impurity(ranked[1]!)) return ranked[0]!;
  throw undecided(spec, ranked[0]!, ranked[1]!);
}

/** Without a header, the number of the given columns decides; without these too, each line is a text. */
function chooseByCount(columns: number | undefined, candidates: Candidate[]): Candidate {
  const usual = candidates[0]!;
  if (columns === undefined) return usual;
  const isFit = ({ counts }: Candidate) => counts.every((count) => count === columns);
  return isFit(usual) ? usual : (candidates.find(isFit) ?? usual);
}

/** Share of the names in the header that hold another delimiter: names hardly do. */
function impurity({ header, delimiter }: Candidate): number {
  const others = DELIMITERS.filter((other) => other !== delimiter);
  return header.filter((name) => others.some((other) => name.includes(other))).length / header.length;
}

function undecided({ path }: DataSpec, a: Candidate, b: Candidate): FinetagError {
  const shown = [a, b].map(({ delimiter, header }) => `${header.length} columns by ${show(delimiter)}`);
  const set = [a, b].map(({ delimiter }) => `\`delimiter: ${show(delimiter)}\``);
  return dataError(path, 1, `may have ${shown.join(" or ")}; set ${set.join(" or ")}`, "delimiter");
}

/**
 * Whether a file with tabs is quoted. In a TSV a quote is text, so it has to show: only with quotes all records have as many
 * fields; or a quote is doubled; or columns are quoted throughout, the header too.
 */
function isQuotedTsv(spec: DataSpec, usual: string, text: string, lineEnd: LineEnd, whole: boolean): boolean {
  const quoted = measureStart(text, "\t", { quoted: true, lineEnd, whole });
  if (quoted.broken) return false;
  if (usual !== "\t") return true;
  const raw = measureStart(text, "\t", { quoted: false, lineEnd, whole });
  if (!isEven(raw)) return isEven(quoted);
  const hasRows = quoted.counts.length > (spec.header === false ? 2 : 1);
  return !quoted.spanning && (quoted.doubled || (quoted.uniform && hasRows));
}
