import { shortened, UsageError } from "../errors.ts";
import type { Flag } from "./flags.ts";
import { suggest } from "./suggest.ts";

/** A value and where the user wrote it, for error messages. */
export interface Given {
  value: unknown;
  /** What comes before "must be …", such as `--epochs abc:`. */
  place: string;
}

/** yargs' result: options under their kebab-case names, not yet interpreted (text, true, or a list when repeated). */
export type RawArguments = Readonly<Record<string, unknown>>;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Takes the options of a command out of what yargs parsed.
 *
 * @param words the command line itself; only it shows how an option was spelled.
 * @param positionals names under which yargs keeps positional arguments.
 * @returns the options that were given, by their camelCase keys.
 * @throws UsageError for an unknown option, one given twice, one without a value.
 */
export function readFlags(
  raw: RawArguments,
  flags: readonly Flag[],
  words: readonly string[],
  positionals: readonly string[] = [],
): Map<string, Given> {
  const written = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const given = new Map<string, Given>();
  const skipped = new Set(["_", "$0", "help", "version", ...positionals]);
  for (const [name, value] of Object.entries(raw)) {
    if (skipped.has(name) || value === undefined) continue;
    const flag = byName.get(name);
    if (flag === undefined) throw unknownOption(name, written, [...byName.keys()]);
    if (Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times; give it once`);
    given.set(flag.key, readFlag(flag, value, written));
  }
  return given;
}

function readFlag(flag: Flag, value: unknown, words: readonly string[]): Given {
  if (flag.kind !== "boolean")
    return { value: coerce(flag, String(value)), place: `--${flag.name} ${shortened(String(value))}:` };
  const { name } = flag;
  const written = words.filter((word) => new RegExp(`^--(no-)?${name}(=|$)`).test(word));
  if (written.length > 1) throw new UsageError(`--${name} is given ${written.length} times; give it once`);
  // yargs reads any word after the equals sign as false.
  const [word = `--${name}`] = written;
  const text = word.includes("=") ? word.slice(word.indexOf("=") + 1) : undefined;
  const unclear = text !== undefined && text !== "true" && text !== "false";
  return { value: unclear ? text : value, place: `${shortened(word)}:` };
}

/** Text that is not a number stays text; the schema then refuses it. */
function coerce(flag: Flag, text: string): unknown {
  switch (flag.kind) {
    case "number":
    case "numberOrText":
      return NUMBER.test(text) ? Number(text) : text;
    case "list":
      return text.split(",").map((name) => name.trim());
    default:
      return text;
  }
}

function unknownOption(name: string, words: readonly string[], known: readonly string[]): UsageError {
  const negated = words.some((word) => word === `--no-${name}`);
  const written = shortened(`${name.length === 1 ? "-" : "--"}${negated ? "no-" : ""}${name}`);
  const near = suggest(name, known);
  const hint = near === undefined ? "see --help" : `did you mean --${negated ? "no-" : ""}${near}?`;
  return new UsageError(`unknown option ${written}; ${hint}`);
}
