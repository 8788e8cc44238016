import { FinetagError } from "../../errors/index.ts";
import { columnWord, dataError, didYouMean, show, showCell, showList } from "../errors.ts";
import type { Table } from "../formats/index.ts";
import type { DataColumns, DataSpec, LabelRules, OpenDataOptions } from "../types.ts";
import type { CellPlace } from "./cell.ts";
import type { Claims } from "./claims.ts";
import { ListColumn, type ResolvedLabels } from "./list-column.ts";
import { type ColumnProfile, type FoundCell, profileColumns } from "./profile.ts";
import { CellRules, readTarget } from "./rules.ts";

/** What a column that lists labels is usually called, the likeliest first; compared without case. */
const LIST_NAMES = [
  "labels",
  "label",
  "tags",
  "tag",
  "categories",
  "category",
  "classes",
  "class",
  "topics",
  "topic",
  "genres",
  "emotions",
  "targets",
  "target",
  "标签",
  "类别",
];
/** Further names, of columns that may as well be one label. */
const MORE_LIST_NAMES = [
  "emotion",
  "genre",
  "sentiment",
  "intents",
  "intent",
  "cats",
  "choices",
  "annotations",
  "accept",
];

const NAME_THEM = "name the 0/1 columns (`labelColumns`) or the column that lists labels (`labelsColumn`)";

/** What was decided about labels, and the columns that nobody uses. */
export interface LabelDecision extends ResolvedLabels {
  unused: string[];
  /** Those of them that look like labels. */
  unusedLabels: string[];
  warnings: string[];
}

/**
 * Finds the labels: where the user says; else where the model's training file had them; else in the columns of the known
 * labels' names; else in a column called labels, tags, …, or in all columns that hold nothing but 0 and 1. Where both may
 * be meant, neither is taken.
 */
export async function resolveLabels(
  table: Table,
  spec: DataSpec,
  options: OpenDataOptions,
  claims: Claims,
): Promise<LabelDecision> {
  const known = options.labels;
  if (!options.requireLabels) {
    const none = { columns: { kind: "none" as const }, labels: known ?? [], shape: "", notes: [] };
    return { ...none, unused: claims.unclaimed(table.columns), unusedLabels: [], warnings: [] };
  }
  checkRules(spec);
  if (table.format === "txt") {
    const what = "a .txt file has one text per line and no labels; for a table, set `format` to csv or tsv";
    throw dataError(table.path, undefined, what, "format");
  }
  return await new LabelResolver(table, spec, options, claims).resolve();
}

function checkRules(spec: DataSpec): void {
  const { labelColumns, labelsColumn, labelValues, missing, softLabels, labelThreshold } = spec;
  const refuse = (what: string, option: string): never => {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option });
  };
  if (labelColumns !== undefined && labelsColumn !== undefined) {
    refuse("both `labelColumns` and `labelsColumn` are given; give one of them", "labelColumns");
  }
  if (softLabels === true && labelThreshold !== undefined) {
    refuse("both `softLabels` and `labelThreshold` are given; give one of them", "softLabels");
  }
  checkChoice("missing", missing, ["mask", "negative"], refuse);
  checkChoice("labelValues", labelValues, ["names", "ids", "flags"], refuse);
  if (labelThreshold !== undefined && !(labelThreshold > 0 && labelThreshold <= 1)) {
    refuse(`\`labelThreshold: ${labelThreshold}\` is not above 0 and at most 1; try 0.5`, "labelThreshold");
  }
}

function checkChoice(
  option: string,
  value: unknown,
  choices: readonly string[],
  refuse: (what: string, option: string) => never,
): void {
  if (value === undefined || choices.includes(value as string)) return;
  refuse(`\`${option}\` is ${showCell(value)}; it is one of ${choices.join(", ")}`, option);
}

class LabelResolver {
  readonly #table: Table;
  readonly #spec: DataSpec;
  readonly #options: OpenDataOptions;
  readonly #claims: Claims;
  readonly #rules: LabelRules;
  readonly #profiles = new Map<string, ColumnProfile>();

  constructor(table: Table, spec: DataSpec, options: OpenDataOptions, claims: Claims) {
    this.#table = table;
    this.#spec = spec;
    this.#options = options;
    this.#claims = claims;
    this.#rules = rulesOf(spec, options.columns?.labels);
  }

  async resolve(): Promise<LabelDecision> {
    const found = await this.#find();
    const unused = this.#claims.unclaimed(this.#table.columns);
    await this.#profile(unused, "sample");
    const unusedLabels = unused.filter((name) => this.#looksLikeLabel(name));
    return { ...found, unused, unusedLabels, warnings: this.#dropped(unusedLabels) };
  }

  async #find(): Promise<ResolvedLabels> {
    const { labelColumns, labelsColumn } = this.#spec;
    const known = this.#options.labels;
    const saved = this.#options.columns?.labels;
    if (labelColumns !== undefined) return await this.#flags(labelColumns);
    if (labelsColumn !== undefined) return await this.#list(labelsColumn);
    if (saved?.kind === "columns") return await this.#flags(saved.names);
    if (saved !== undefined && saved.kind !== "none") return await this.#list(saved.column);
    if (known?.every((name) => this.#claims.has(name))) return await this.#flags(known);
    const column = this.#claims.guess(LIST_NAMES) ?? this.#claims.guess(MORE_LIST_NAMES);
    if (known !== undefined) {
      if (column !== undefined) return await this.#list(column);
      if (known.some((name) => this.#claims.has(name))) return await this.#flags(known);
    }
    let all = await this.#candidates("sample");
    // A column may be blank for long before its label applies; what has shown 0 and 1 is checked as rows are read.
    if (
      column === undefined &&
      (this.#isJson() || all.some(({ kind, zeros }) => kind === "empty" || (kind === "flags" && zeros === 0)))
    ) {
      this.#profiles.clear();
      all = await this.#candidates("all");
    }
    const flags = all.filter(({ kind }) => kind === "flags" || kind === "graded");
    if (column !== undefined && !flags.some(({ name }) => name === column))
      return await this.#named(column, flags);
    if (column !== undefined && flags.length === 1) this.#refuseSingle(flags[0]!);
    return await this.#remaining(all, flags);
  }

  /** A column called labels, next to others that look like labels. */
  async #named(column: string, flags: readonly ColumnProfile[]): Promise<ResolvedLabels> {
    const others = flags.filter(varies);
    if (others.length > 1) throw this.#between(column, others);
    return await this.#list(column);
  }

  /** One column called label with 0 and 1: one label, or two classes. */
  #refuseSingle({ name, kind, notations }: ColumnProfile): void {
    if (kind === "graded" || !LIST_NAMES.includes(name.toLowerCase())) return;
    const values = [...notations][0] === "0/1" ? "0 and 1" : [...notations].join(", ");
    const what =
      `${columnWord(this.#table.format)} ${show(name)} holds only ${values}: either one label that applies or not ` +
      `(\`labelColumns: ${JSON.stringify([name])}\`), or the names of two labels (\`labelsColumn: ${JSON.stringify(name)}\`); say which`;
    throw dataError(this.#table.path, this.#table.headerRow, what, "labelColumns");
  }

  #between(column: string, others: readonly ColumnProfile[]): FinetagError {
    const names = others.map(({ name }) => name);
    const what =
      `labels may be in ${columnWord(this.#table.format)} ${show(column)} (\`labelsColumn: ${JSON.stringify(column)}\`), ` +
      `or in the 0/1 columns ${showList(names)} (\`labelColumns: ${JSON.stringify(names)}\`); say which`;
    return dataError(this.#table.path, this.#table.headerRow, what, "labelsColumn");
  }

  /** Without a column called labels: one that holds lists, or all that hold 0 and 1. */
  async #remaining(all: readonly ColumnProfile[], flags: readonly ColumnProfile[]): Promise<ResolvedLabels> {
    const lists = all.filter(({ kind }) => kind === "lists");
    const varying = flags.filter(varies);
    if (lists.length === 1 && varying.length === 0) return await this.#list(lists[0]!.name);
    if (lists.length === 1) throw this.#between(lists[0]!.name, varying);
    if (lists.length > 1) throw this.#nothingFound();
    const nearly = all.find(({ kind }) => kind === "nearly");
    if (nearly !== undefined) throw this.#notFlags(nearly);
    if (flags.length === 0) throw this.#nothingFound();
    this.#checkScores(flags);
    return await this.#flags(flags.map(({ name }) => name));
  }

  /** A few columns of scores next to 0/1 columns may be no labels. */
  #checkScores(flags: readonly ColumnProfile[]): void {
    const graded = flags.filter(({ kind }) => kind === "graded").map(({ name }) => name);
    const others = flags.filter(({ kind }) => kind === "flags").map(({ name }) => name);
    const { soft, threshold } = this.#rules;
    if (graded.length === 0 || others.length === 0 || soft || threshold !== undefined) return;
    const what =
      `the labels may be the 0/1 columns ${showList(others)} (\`labelColumns: ${JSON.stringify(others)}\`), ` +
      `or these and the values in ${showList(graded)} (\`softLabels: true\`, or \`labelThreshold: 0.5\`); say which`;
    throw dataError(this.#table.path, this.#table.headerRow, what, "labelColumns");
  }

  #notFlags({ name, firstOther }: ColumnProfile): FinetagError {
    const { path, row, cell } = firstOther!;
    const what = `cannot tell which columns are labels: ${columnWord(this.#table.format)} ${show(name)} holds ${showCell(cell)}`;
    return dataError(path, row, `${what}, neither 0 nor 1; ${NAME_THEM}`, "labelColumns");
  }

  #nothingFound(): FinetagError {
    return this.#claims.error(`no labels found; ${NAME_THEM}`, "labelColumns");
  }

  /** The columns that may be labels, without those of row numbers. */
  async #candidates(extent: "all" | "sample"): Promise<ColumnProfile[]> {
    const { signal } = this.#options;
    const columns = extent === "all" ? await this.#table.allColumns(signal) : this.#table.columns;
    const names = this.#claims.unclaimed(columns);
    await this.#profile(names, extent);
    return names.map((name) => this.#profiles.get(name)!).filter((profile) => !this.#isNumbering(profile));
  }

  #isNumbering({ name, counts, ones }: ColumnProfile): boolean {
    return this.#claims.isUnnamed(name) || (this.#claims.isNumbering(name) && (counts || ones === 0));
  }

  async #profile(names: readonly string[], extent: "all" | "sample"): Promise<void> {
    const wanted = names.filter((name) => !this.#profiles.has(name));
    if (wanted.length === 0) return;
    const profiles = await profileColumns(this.#table, wanted, extent, this.#options.signal);
    for (const profile of profiles) this.#profiles.set(profile.name, profile);
  }

  /** One 0/1 column for each label. */
  async #flags(columns: readonly string[]): Promise<ResolvedLabels> {
    const known = this.#options.labels ?? columns;
    if (columns.length === 0) {
      const what = "`labelColumns` is empty; name at least one column";
      throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "labelColumns" });
    }
    // Objects need not have a field of a label that applies to none of them, or to none of the first.
    const absent = this.#isJson() ? columns.filter((name) => !this.#claims.has(name)) : [];
    const mayBeAbsent = absent.length < columns.length;
    for (const name of columns)
      if (!mayBeAbsent || !absent.includes(name)) this.#claims.claim("label column", name);
    const { path } = this.#table;
    const knownNames = new Set(known);
    const unknown = columns.find((name) => !knownNames.has(name));
    if (unknown !== undefined) {
      const advice = didYouMean(unknown, known) || `; the labels are ${showList(known)}`;
      throw dataError(path, undefined, `label column ${show(unknown)} is not one of the labels${advice}`);
    }
    const columnNames = new Set(columns);
    const missing = known.find((name) => !columnNames.has(name));
    if (missing !== undefined) {
      const what = `the label ${show(missing)} has no column; the label columns are ${showList(columns)}`;
      throw dataError(path, undefined, what);
    }
    const names = [...known];
    await this.#profile(names, "sample");
    const profiles = names.map((name) => this.#profiles.get(name)!);
    const rules = this.#settle(profiles, absent);
    return {
      columns: { kind: "columns", names, ...rules },
      labels: names,
      shape: this.#shapeOf(profiles),
      notes: rules.blank === "no" ? ["only the labels that apply are marked; blank cells are 0"] : [],
    };
  }

  /** The rules for label columns, of which some may be absent. Refuses at once what they do not cover. */
  #settle(profiles: readonly ColumnProfile[], absent: readonly string[]): LabelRules {
    const sum = (count: (profile: ColumnProfile) => number) =>
      profiles.reduce((all, one) => all + count(one), 0);
    const saved = this.#options.columns?.labels;
    const isMarked =
      this.#rules.missing === undefined &&
      (saved === undefined || saved.kind === "none") &&
      sum(({ blanks }) => blanks) > 0 &&
      sum(({ ones }) => ones) > 0 &&
      sum(({ zeros, graded, unknown }) => zeros + graded + unknown) === 0;
    const rules: LabelRules = isMarked ? { ...this.#rules, blank: "no" } : this.#rules;
    if (rules.blank !== "no" && rules.missing === undefined) {
      for (const name of absent) this.#claims.claim("label column", name);
    }
    const checks = new CellRules(rules, true);
    for (const { name, firstOther, firstGraded, firstMissing } of profiles) {
      for (const found of [firstOther, firstGraded, firstMissing]) {
        if (found !== undefined) readTarget(checks, this.#place(name, found), found.cell);
      }
    }
    return rules;
  }

  #place(name: string, { path, row }: FoundCell): CellPlace {
    return { path, format: this.#table.format, row, name };
  }

  #shapeOf(profiles: readonly ColumnProfile[]): string {
    const count = profiles.length;
    const columns = `${count} ${columnWord(this.#table.format)}${count === 1 ? "" : "s"}`;
    if (profiles.some(({ graded }) => graded > 0)) return `${columns} of values from 0 to 1`;
    const notations = new Set(profiles.flatMap((profile) => [...profile.notations]));
    return `${columns} of ${notations.size === 0 ? "0/1" : [...notations].slice(0, 3).join(", ")}`;
  }

  async #list(column: string): Promise<ResolvedLabels> {
    this.#claims.claim("labels column", column);
    return await new ListColumn(this.#table, this.#spec, this.#options, column, this.#rules).resolve();
  }

  #isJson(): boolean {
    return columnWord(this.#table.format) === "field";
  }

  #looksLikeLabel(name: string): boolean {
    const profile = this.#profiles.get(name);
    return (
      profile !== undefined &&
      (profile.kind === "flags" || profile.kind === "graded") &&
      varies(profile) &&
      !this.#claims.isNumbering(name)
    );
  }

  /** About columns that look like labels and that nobody uses, unless the user or the training file chose the others. */
  #dropped(names: readonly string[]): string[] {
    const { labelColumns } = this.#spec;
    if (labelColumns !== undefined || (this.#options.columns?.labels.kind ?? "none") !== "none") return [];
    if (names.length === 0) return [];
    const word = `${columnWord(this.#table.format)}${names.length === 1 ? "" : "s"}`;
    const looks =
      names.length === 1 ? "looks like a label, but is not used" : "look like labels, but are not used";
    const remedy =
      this.#options.labels === undefined
        ? "name the label columns (`labelColumns`) if it is one"
        : "list it with the other labels (`labels`) if it is one, and use `newHead: true` with a model that lacks it";
    return [`${this.#table.path}: ${word} ${showList(names)} ${looks}; ${remedy}`];
  }
}

/** Whether a column has different shares; a constant one is rarely a label. */
function varies({ zeros, ones, graded, blanks }: ColumnProfile): boolean {
  return graded > 0 || (ones > 0 && zeros + blanks > 0);
}

/** The rules that the user gives, else those of the training file. */
function rulesOf(spec: DataSpec, saved: DataColumns["labels"] | undefined): LabelRules {
  const before: LabelRules = saved === undefined || saved.kind === "none" ? {} : saved;
  const missing = spec.missing ?? before.missing;
  const isGiven = spec.softLabels !== undefined || spec.labelThreshold !== undefined;
  const soft = isGiven ? spec.softLabels === true : before.soft === true;
  const threshold = isGiven ? spec.labelThreshold : before.threshold;
  return {
    ...(missing === undefined ? {} : { missing }),
    ...(soft ? { soft: true as const } : {}),
    ...(threshold === undefined ? {} : { threshold }),
    ...(missing === undefined && before.blank === "no" ? { blank: "no" as const } : {}),
  };
}
