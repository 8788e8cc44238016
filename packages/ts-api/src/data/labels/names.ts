import type { FinetagError } from "../../errors/index.ts";
import { show } from "../errors.ts";
import { type CellPlace, cellError, columnOf, saysMissing } from "./cell.ts";

const MAX_PAIRS = 5;

/** Names that a person would take for one: they differ in case, blanks or Unicode form, or as 1 and 1.0 do. */
export function similarNames(names: readonly string[]): string[] {
  const first = new Map<string, string>();
  const pairs: [string, string][] = [];
  for (const name of names) {
    const key = keyOf(name);
    const before = first.get(key);
    if (before === undefined) first.set(key, name);
    else pairs.push([before, name]);
  }
  if (pairs.length === 0) return [];
  const shown = pairs.slice(0, MAX_PAIRS).map(([a, b]) => `${show(a)} and ${show(b)}`);
  const more = pairs.length > MAX_PAIRS ? ` and ${pairs.length - MAX_PAIRS} more pairs` : "";
  return [
    `the labels ${shown.join(", ")}${more} look alike but count as different ones; write each label in one way in the data`,
  ];
}

/** Equal for names that look alike. */
function keyOf(name: string): string {
  const plain = name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
  return /^[+-]?\d+(?:\.\d+)?$/.test(plain) && Number.isFinite(Number(plain)) ? String(Number(plain)) : plain;
}

const LIST = 'write a list such as ["a", "b"] in every cell';
/** A value after a name, as in `joy:0.9` or `joy=1`. */
const SCORED = /^.+?\s*[:=]\s*(?:[01]|0?\.\d+|[01]\.\d+)$/;

/**
 * An error where collected names are surely none: a piece of a list or a call that nobody can read (`dict_keys(['a'`), a
 * name in quotes, a name with its score, or a word for nothing (`nan`, `-`). What the user's own separator leaves is taken,
 * but for the last.
 *
 * @param isGiven Whether the user gave the separator.
 */
export function doubtfulName(
  names: ReadonlySet<string>,
  isGiven: boolean,
  placeOf: (name: string) => CellPlace,
): FinetagError | undefined {
  const all = [...names];
  const nothing = all.find((name) => saysMissing(name) || /^[-–—_.?]+$/.test(name));
  if (nothing !== undefined) {
    const what = `lists ${show(nothing)}, which is hardly a label's name; leave it out, or list it with the other labels in a file (\`labels\`) if it is one`;
    return error(placeOf(nothing), what, "labels");
  }
  if (isGiven) return undefined;
  const keep = (what: string) => `${LIST}, or give \`labelSeparator\` if ${what} part of the names`;
  const open = all.find(isOpen);
  if (open !== undefined) {
    return error(
      placeOf(open),
      `gives the label ${show(open)}, a piece of a list or of a name; ${keep("brackets are")}`,
    );
  }
  const quoted = all.find((name) => /^(['"]).+\1$/.test(name));
  if (quoted !== undefined) {
    return error(placeOf(quoted), `gives the label ${show(quoted)} in quotes; ${keep("the quotes are")}`);
  }
  if (all.every((name) => SCORED.test(name))) {
    const what = `gives the label ${show(all[0]!)}, a name with a value; write objects such as {"joy": 0.9} (\`softLabels: true\` or \`labelThreshold: 0.5\`), or give \`labelSeparator\` if the values are part of the names`;
    return error(placeOf(all[0]!), what);
  }
  return undefined;
}

function error(place: CellPlace, what: string, option = "labelSeparator"): FinetagError {
  return cellError(place, `${columnOf(place)} ${what}`, option);
}

/** Whether a name has a bracket that it does not close; signs such as :( have no letters. */
function isOpen(name: string): boolean {
  if (/^(?:<[^<>]+>){2,}$/.test(name)) return true; // <a><b>, as Stack Overflow has its tags
  if (!/[\p{L}\p{N}]/u.test(name)) return false;
  const count = (bracket: string) => name.split(bracket).length;
  return ["()", "[]", "{}"].some(([opener, closer]) => count(opener!) > count(closer!));
}
