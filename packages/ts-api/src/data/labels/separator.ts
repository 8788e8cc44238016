import { isNumeric } from "./cell.ts";

/** Characters that names rarely contain, the usual ones first. */
const PLAIN_SEPARATORS = [",", ";", "|", "\n", "\t", "、", "，", "；"];
/** Characters that names often contain. */
const LOOSE_SEPARATORS = ["#", "/", " "];
/** Characters that separate only where each part is a cell of its own as well. */
const JOINERS = ["+", "&", ":", "~", ">"];
export const SEPARATORS: readonly string[] = [...PLAIN_SEPARATORS, ...LOOSE_SEPARATORS, ...JOINERS];

export const DEFAULT_SEPARATOR = ",";

/** The names in a cell, without blanks around them and without empty parts. */
export function splitCell(cell: string, separator: string): string[] {
  return cell
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

export type SeparatorChoice =
  | { separator: string; isFound: boolean }
  /** Both readings are plausible. */
  | { between: [string, string]; example: string };

/**
 * The separator of cells whose labels are known: the one that leaves the fewest cells with an unknown name. The
 * comma wins where there is nothing to separate.
 *
 * @param cells all different
 */
export function knownSeparator(cells: Iterable<string>, isLabel: (name: string) => boolean): string {
  let best = DEFAULT_SEPARATOR;
  let fewest = Number.POSITIVE_INFINITY;
  const all = [...cells].filter((cell) => !isLabel(cell.trim()));
  if (all.length === 0) return best;
  for (const separator of SEPARATORS) {
    const strange = all.filter((cell) => !splitCell(cell, separator).every(isLabel)).length;
    if (strange >= fewest) continue;
    best = separator;
    fewest = strange;
  }
  return best;
}

/**
 * The separator of cells whose labels are unknown: the one whose parts come again in other cells, or alone. Names that
 * merely contain the character ("New York", "and/or") fall into parts that do not.
 *
 * @param cells all different
 */
export function guessSeparator(cells: Iterable<string>): SeparatorChoice {
  const all = [...cells];
  const found = [...PLAIN_SEPARATORS, ...LOOSE_SEPARATORS]
    .map((separator) => measure(all, separator))
    .filter((one) => one !== undefined);
  const plain = found.filter(({ separator }) => PLAIN_SEPARATORS.includes(separator));
  const right = plain.filter(({ reused }) => reused === 1);
  const comma = plain.find(({ separator }) => separator === DEFAULT_SEPARATOR);
  if (comma !== undefined) {
    const other = right.find(({ separator }) => separator !== DEFAULT_SEPARATOR);
    if (other === undefined) return { separator: DEFAULT_SEPARATOR, isFound: true };
    if (comma.reused < 0.5) return { separator: other.separator, isFound: true };
    return { between: [DEFAULT_SEPARATOR, other.separator], example: other.example };
  }
  if (right.length > 1)
    return { between: [right[0]!.separator, right[1]!.separator], example: right[0]!.example };
  if (right.length === 1) return { separator: right[0]!.separator, isFound: true };
  const likely = plain.find(({ reused }) => reused >= 0.5);
  if (likely !== undefined) return { separator: likely.separator, isFound: true };
  const loose = found.filter(({ separator }) => LOOSE_SEPARATORS.includes(separator));
  const clear = loose.find(isClear);
  if (clear !== undefined) return { separator: clear.separator, isFound: true };
  const joiner = plain.length === 0 ? JOINERS.find((character) => joins(all, character)) : undefined;
  if (joiner !== undefined) return { separator: joiner, isFound: true };
  const open = plain[0] ?? loose.find(isOpen);
  if (open === undefined) return { separator: DEFAULT_SEPARATOR, isFound: false };
  return { between: [DEFAULT_SEPARATOR, open.separator], example: open.example };
}

/** Whether every cell with the character is made of other cells; C++ is not. */
function joins(cells: readonly string[], character: string): boolean {
  const whole = new Set(cells);
  const several = cells.filter((cell) => cell.includes(character));
  const isMade = (cell: string) => cell.split(character).every((part) => whole.has(part.trim()));
  return several.length > 0 && several.every(isMade);
}

/** Whether names with the character and a separator are both plausible. */
function isOpen({ separator, reused, parts, cells }: Measure): boolean {
  return separator === " " ? reused === 1 && parts < cells : reused >= 0.5;
}

interface Measure {
  separator: string;
  /** The share of the parts that come in several cells, or alone in one. */
  reused: number;
  /** Whether each part is a cell of its own somewhere, or a number. */
  alone: boolean;
  /** Different names if cells are split, and if they are not. */
  parts: number;
  cells: number;
  /** A cell with several parts. */
  example: string;
}

function isClear({ reused, alone, parts, cells }: Measure): boolean {
  return reused === 1 && (alone || 2 * parts <= cells);
}

function measure(cells: readonly string[], separator: string): Measure | undefined {
  const places = new Map<string, number>();
  const whole = new Set<string>();
  const several = new Set<string>();
  let example: string | undefined;
  for (const cell of cells) {
    const names = new Set(splitCell(cell, separator));
    for (const name of names) places.set(name, (places.get(name) ?? 0) + 1);
    if (names.size === 1) whole.add([...names][0]!);
    if (names.size < 2) continue;
    example ??= cell;
    for (const name of names) several.add(name);
  }
  if (example === undefined) return undefined;
  const names = [...several];
  const reused = names.filter((name) => whole.has(name) || places.get(name)! > 1).length;
  return {
    separator,
    reused: reused / names.length,
    alone: names.every((name) => whole.has(name) || isNumeric(name)),
    parts: places.size,
    cells: cells.length,
    example,
  };
}
