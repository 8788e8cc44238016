import { toKebab } from "./names.ts";

/** Turns a message of the API into one of the command line. */
export type WriteFlags = (message: string) => string;

/** Text in double quotes came from a user or a file and is left alone. */
const QUOTED_OR_CODE = /"(?:[^"\\]|\\.)*"|`([a-zA-Z]\w*)(?:: ([^`]*))?`/g;

/**
 * A function that rewrites the options in a message as command-line flags: the API says `` `devSplit` ``,
 * `` `newHead: true` ``, `` `tokenCache: false` `` and `` `maxLength: 512` ``, a user types `--dev-split`, `--new-head`,
 * `--no-token-cache` and `--max-length 512`.
 *
 * @param keys Options by their names in the API; other words between backticks stay as they are.
 */
export function flagWriter(keys: Iterable<string>): WriteFlags {
  const known = new Set(keys);
  return (message) =>
    message.replaceAll(QUOTED_OR_CODE, (found, key: string | undefined, value: string | undefined) =>
      key !== undefined && known.has(key) ? writeFlag(toKebab(key), value) : found,
    );
}

function writeFlag(name: string, value: string | undefined): string {
  if (value === undefined || value === "true") return `--${name}`;
  return value === "false" ? `--no-${name}` : `--${name} ${shellWord(plainValue(value))}`;
}

/** A string or a list as the API writes it, in TypeScript's notation. */
function plainValue(value: string): string {
  if (!/^["[]/.test(value)) return value;
  try {
    return String(JSON.parse(value)); // joins a list with commas, as the command line takes it
  } catch {
    return value;
  }
}

function shellWord(word: string): string {
  return /^[\w.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
