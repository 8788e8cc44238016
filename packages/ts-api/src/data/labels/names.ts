import { show } from "../errors.ts";

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
