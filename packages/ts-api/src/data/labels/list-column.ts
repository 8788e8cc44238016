import { FinetagError } from "../../errors/index.ts";
import { dataError, show, showCell } from "../errors.ts";
import type { Table } from "../formats/index.ts";
import type { DataColumns, DataSpec, LabelRules, LabelValues, OpenDataOptions } from "../types.ts";
import { cellError, columnOf, isInteger, isNumeric } from "./cell.ts";
import { checkNotFlags, type ListStyle, readList, sortLabels, withoutFraction } from "./list.ts";
import { cellsOf, type ListProfile, MAX_COLLECTED, profileList } from "./list-profile.ts";
import { doubtfulName } from "./names.ts";
import { isUnknownList } from "./profile.ts";
import { DEFAULT_SEPARATOR, guessSeparator, knownSeparator, splitCell } from "./separator.ts";

export interface ResolvedLabels {
  columns: DataColumns["labels"];
  labels: string[];
  /** Where the labels are, in words. */
  shape: string;
  notes: string[];
}

type SavedLabels = Exclude<DataColumns["labels"], { kind: "none" | "columns" }>;

/** Tells how one column holds the labels of a row, and which labels there are. */
export class ListColumn {
  readonly #table: Table;
  readonly #spec: DataSpec;
  readonly #options: OpenDataOptions;
  readonly #column: string;
  readonly #rules: LabelRules;

  constructor(table: Table, spec: DataSpec, options: OpenDataOptions, column: string, rules: LabelRules) {
    this.#table = table;
    this.#spec = spec;
    this.#options = options;
    this.#column = column;
    this.#rules = rules;
  }

  async resolve(): Promise<ResolvedLabels> {
    if (this.#spec.labelSeparator === "") {
      const what = "`labelSeparator` is empty; give a character such as ,";
      throw new FinetagError("ERR_FINETAG_ARGUMENT", what, { option: "labelSeparator" });
    }
    const known = this.#options.labels;
    const profile = await profileList(
      this.#table,
      this.#column,
      known === undefined ? "all" : "sample",
      this.#options.signal,
    );
    const saved = this.#saved();
    if (this.#spec.labelValues === "flags") return this.#flags(profile);
    if (this.#spec.labelValues === undefined && this.#spec.labelSeparator === undefined) {
      if (saved?.kind === "flags") return this.#flags(profile);
      if (saved?.kind === "object") return this.#object(profile);
      if (saved === undefined) {
        if (profile.objects > 0) return this.#object(profile);
        if (this.#holdsFlags(profile)) return this.#flags(profile);
      }
    }
    if (profile.badItem !== undefined) throw profile.badItem;
    return this.#list(profile);
  }

  /** How the training file had it. */
  #saved(): SavedLabels | undefined {
    const saved = this.#options.columns?.labels;
    return saved === undefined || saved.kind === "none" || saved.kind === "columns" ? undefined : saved;
  }

  /** @throws if each cell may be a 0 or 1 for each label, or a list of ids. */
  #holdsFlags(profile: ListProfile): boolean {
    const { lists, plain, listRows } = profile;
    if (profile.looksLikeBits) throw this.#open(profile, [...plain.keys()][0]!, "names");
    const found =
      lists > 0
        ? plain.size === 0 && listRows.length !== undefined && listRows.length > 1
          ? { count: listRows.length, isCertain: listRows.isCertain }
          : undefined
        : profile.flagsOfPlain();
    if (found === undefined) return false;
    const known = this.#options.labels;
    if (found.isCertain) return true;
    if (known !== undefined && known.length !== found.count) return false;
    const cell = lists > 0 ? profile.firstList!.cell : [...plain.keys()][0]!;
    throw this.#open(profile, cell, "ids");
  }

  #open(profile: ListProfile, cell: unknown, values: LabelValues): FinetagError {
    const { format, path } = this.#table;
    const place = profile.firstList?.place ?? [...profile.plain.values()][0]!;
    const where = columnOf({ format, name: this.#column });
    const shown = typeof cell === "string" ? show(cell) : show(JSON.stringify(cell));
    const asWhat = values === "ids" ? "the ids of labels" : "the name of a label";
    const what =
      `${where} has cells such as ${shown}: either a 0 or 1 for each label (\`labelValues: "flags"\`), ` +
      `or ${asWhat} (\`labelValues: "${values}"\`); say which`;
    return dataError(path, place.row, what, "labelValues");
  }

  #flags(profile: ListProfile): ResolvedLabels {
    const { path, format } = this.#table;
    const where = columnOf({ format, name: this.#column });
    const saved = this.#saved();
    const plain = profile.lists === 0 ? profile.flagsOfPlain() : undefined;
    const given = this.#spec.labelSeparator ?? (saved?.kind === "flags" ? saved.separator : undefined);
    const separator = given ?? plain?.separator ?? (profile.looksLikeBits ? "" : undefined);
    const bits = separator === "" ? [...profile.plain.keys()][0]?.length : undefined;
    const count = profile.lists > 0 ? profile.listRows.length : (plain?.count ?? bits);
    const known = this.#options.labels;
    if (count === undefined || count === 0) {
      if (known === undefined || profile.isWhole) {
        throw dataError(
          path,
          undefined,
          `${where} does not hold a 0 or 1 for each label in every row`,
          "labelValues",
        );
      }
    } else if (known !== undefined && known.length !== count) {
      const what = `${where} holds ${count} values in a cell, but there are ${known.length} labels`;
      throw dataError(
        path,
        profile.firstList?.place.row,
        `${what}; list the labels of these values in a file (\`labels\`)`,
        "labels",
      );
    }
    const labels = known ?? Array.from({ length: count ?? 0 }, (_, i) => `LABEL_${i}`);
    const notes =
      known === undefined
        ? ["the labels are called LABEL_0 and so on; a file with their names (`labels`) names them"]
        : [];
    return {
      columns: {
        kind: "flags",
        column: this.#column,
        ...(separator === undefined ? {} : { separator }),
        ...this.#rules,
      },
      labels: [...labels],
      shape: `a 0 or 1 for each in ${where}`,
      notes,
    };
  }

  #object(profile: ListProfile): ResolvedLabels {
    if (profile.badEntry !== undefined) throw profile.badEntry;
    const { format, path } = this.#table;
    const where = columnOf({ format, name: this.#column });
    if (profile.lists > 0 || profile.plain.size > 0) {
      const { place, cell } = profile.firstObject!;
      const what = `${where} holds ${showCell(cell)}, an object, and no objects in other rows`;
      throw cellError(place, `${what}; write a list of labels in every row, or an object in every row`);
    }
    const saved = this.#saved();
    const blank = saved === undefined && profile.zeros === 0 && this.#rules.missing === undefined;
    const labels = this.#options.labels ?? [...profile.keys];
    if (labels.length === 0) throw dataError(path, undefined, `no row has a label in ${where}`);
    return {
      columns: {
        kind: "object",
        column: this.#column,
        ...this.#rules,
        ...(blank ? { blank: "no" as const } : {}),
      },
      labels: [...labels],
      shape: `objects in ${where}`,
      notes: blank ? ["labels that are not in a row's object do not apply to it"] : [],
    };
  }

  async #list(profile: ListProfile): Promise<ResolvedLabels> {
    const known = this.#options.labels;
    const style = this.#style(profile);
    const where = columnOf({ format: this.#table.format, name: this.#column });
    const named = style.kind === "json" ? `lists in ${where}` : where;
    const isSeparated = [...profile.plain.keys()].some(
      (cell) => style.separator !== undefined && splitCell(cell, style.separator).length > 1,
    );
    const shape = isSeparated ? `${named}, separated by ${show(style.separator!)}` : named;
    if (known === undefined) {
      const labels = await this.#collect(profile, style);
      return {
        columns: { ...style, column: this.#column, values: "names", ...this.#rules },
        labels,
        shape,
        notes: [],
      };
    }
    const values = await this.#values(style, known, profile);
    if (style.kind === "delimited" && values === "names")
      this.#checkNames(known, style.separator, isSeparated);
    return {
      columns: { ...style, column: this.#column, values, ...this.#rules },
      labels: [...known],
      shape,
      notes: [],
    };
  }

  #checkNames(known: readonly string[], separator: string, isSeparated: boolean): void {
    const split = known.find((name) => name.includes(separator));
    if (split === undefined || (!isSeparated && this.#spec.labelSeparator === undefined)) return;
    const what = `the label ${show(split)} contains the separator ${show(separator)}`;
    const remedy = "use another `labelSeparator`, or write JSON lists";
    throw dataError(this.#table.path, undefined, `${what}; ${remedy}`, "labelSeparator");
  }

  #style(profile: ListProfile): ListStyle {
    const given = this.#spec.labelSeparator;
    if (given !== undefined) return { kind: "delimited", separator: given };
    const saved = this.#saved();
    if (saved?.kind === "json" && (profile.lists > 0 || profile.plain.size === 0)) {
      return saved.separator === undefined ? { kind: "json" } : { kind: "json", separator: saved.separator };
    }
    if (saved?.kind === "delimited" && profile.lists === 0)
      return { kind: "delimited", separator: saved.separator };
    const separator = this.#separator(profile);
    if (profile.lists === 0) return { kind: "delimited", separator: separator ?? DEFAULT_SEPARATOR };
    return separator === undefined ? { kind: "json" } : { kind: "json", separator };
  }

  /** What separates the names of plain cells; undefined if nothing does. */
  #separator(profile: ListProfile): string | undefined {
    const known = this.#options.labels;
    const cells = [...profile.plain.keys()];
    if (known !== undefined) {
      const names = new Set(known);
      const isLabel = (name: string) =>
        names.has(name) || (isInteger(withoutFraction(name)) && Number(name) < known.length);
      const separator = knownSeparator(cells, isLabel);
      return profile.lists > 0 && !cells.some((cell) => splitCell(cell, separator).length > 1)
        ? undefined
        : separator;
    }
    if (profile.lists > 0) {
      // Plain cells next to lists have one name, unless they are made of names that the lists have.
      const separator = knownSeparator(cells, (name) => profile.items.has(name));
      const several = cells.map((cell) => splitCell(cell, separator)).filter((names) => names.length > 1);
      const isMade = several.length > 0 && several.flat().every((name) => profile.items.has(name));
      return isMade ? separator : undefined;
    }
    const choice = guessSeparator(cells);
    if (!("between" in choice)) return choice.isFound ? choice.separator : undefined;
    const where = columnOf({ format: this.#table.format, name: this.#column });
    const [one, other] = choice.between.map(
      (separator) => `\`labelSeparator: ${JSON.stringify(separator)}\``,
    );
    const first = choice.example.includes(choice.between[0]) ? "" : ", which leaves such names whole";
    const what =
      `${where} has cells such as ${show(choice.example)}, and too few come again to tell what separates the labels; ` +
      `use ${other}, or ${one}${first}`;
    throw dataError(this.#table.path, profile.plain.get(choice.example)?.row, what, "labelSeparator");
  }

  /**
   * Whether the column holds names or ids. Only label names that are integers leave it open: then a pass
   * over the training file decides (names where every value is a name), and the model remembers.
   */
  async #values(style: ListStyle, known: readonly string[], profile: ListProfile): Promise<LabelValues> {
    const given = this.#spec.labelValues;
    if (given === "names" || given === "ids") return given;
    const names = new Set(known);
    const values = [
      ...profile.items,
      ...[...profile.plain.keys()].flatMap((cell) =>
        style.separator === undefined ? cell : splitCell(cell, style.separator),
      ),
    ];
    if (!known.some(isInteger)) {
      const value = values[0];
      return value !== undefined && !names.has(value) && isInteger(withoutFraction(value)) ? "ids" : "names";
    }
    const saved = this.#saved();
    if ((saved?.kind === "delimited" || saved?.kind === "json") && saved.values !== undefined)
      return saved.values;
    const strangers = profile.isWhole && !profile.isFull ? values : this.#allValues(style);
    for await (const value of strangers)
      if (!names.has(value)) return isInteger(withoutFraction(value)) ? "ids" : "names";
    return "names";
  }

  async *#allValues(style: ListStyle): AsyncGenerator<string> {
    for await (const { place, cell } of cellsOf(this.#table, this.#column, this.#options.signal)) {
      if (!isUnknownList(cell)) yield* readList(place, style, cell);
    }
  }

  /** Every name in the column, sorted. */
  async #collect(profile: ListProfile, style: ListStyle): Promise<string[]> {
    const { path, format } = this.#table;
    const where = columnOf({ format, name: this.#column });
    const names = new Set(profile.items);
    for (const [cell, place] of profile.plain) {
      const items = style.separator === undefined ? [cell] : splitCell(cell, style.separator);
      checkNotFlags(place, items);
      for (const item of items) names.add(item);
    }
    if (profile.isFull) {
      for await (const value of this.#allValues(style)) {
        names.add(value);
        if (names.size > MAX_COLLECTED) break;
      }
    }
    if (names.size > MAX_COLLECTED) {
      const what = `more than ${MAX_COLLECTED} different labels in ${where}`;
      throw dataError(
        path,
        undefined,
        `${what}; name another column (\`labelsColumn\`), or list the labels in a file`,
      );
    }
    if (names.size === 0) throw dataError(path, undefined, `no row has a label in ${where}`);
    this.#checkGraded(profile, names);
    const doubt = doubtfulName(names, this.#spec.labelSeparator !== undefined, (name) => {
      const cell = [...profile.plain].find(([text]) => text.includes(name));
      return cell?.[1] ?? profile.firstList?.place ?? { path, format, row: 1, name: this.#column };
    });
    if (doubt !== undefined) throw doubt;
    const whole = [...names].every((name) => isInteger(withoutFraction(name)));
    return sortLabels(whole ? new Set([...names].map(withoutFraction)) : names);
  }

  /** Numbers between 0 and 1 are no names. */
  #checkGraded(profile: ListProfile, names: ReadonlySet<string>): void {
    const isShare = (name: string) => isNumeric(name) && Number(name) >= 0 && Number(name) <= 1;
    if (![...names].every(isShare) || [...names].every((name) => isInteger(withoutFraction(name)))) return;
    const [cell, place] =
      [...profile.plain].find(([text]) => !isInteger(withoutFraction(text))) ?? [...profile.plain][0]!;
    const column = JSON.stringify([this.#column]);
    throw cellError(
      place,
      `${columnOf(place)} holds ${show(cell)}, a number and no label's name; for a graded label, use \`labelColumns: ${column}\` with ` +
        "`softLabels: true` or `labelThreshold: 0.5`",
      "labelColumns",
    );
  }
}
