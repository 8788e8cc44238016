import { toKebab } from "./names.ts";

/** Turns a message of the API into one of the command line. */
export type WriteFlags = (message: string) => string;

/**
 * Text in double quotes, which came from a user or a file and is left alone; or an option between backticks that stands as a
 * word of its own, unlike backticks within a path.
 */
const QUOTED_OR_OPTION =
  /"(?:[^"\\]|\\.)*"|(?<=^|[\s([{])`([a-zA-Z]\w*)(?:: ([^`]*))?`(?=$|[\s)\]},;?!]|[.:](?:$|\s))/g;

/**
 * A function that rewrites the options in a message as command-line flags: the API says `` `devSplit` ``,
 * `` `newHead: true` ``, `` `tokenCache: false` `` and `` `maxLength: 512` ``, a user types `--dev-split`, `--new-head`,
 * `--no-token-cache` and `--max-length 512`.
 *
 * @param keys Options by their names in the API; other words between backticks stay as they are.
 * @param given Words of the command line; a message repeats them as they are, even if a path has backticks.
 */
export function flagWriter(keys: Iterable<string>, given: readonly string[] = []): WriteFlags {
  const known = new Set(keys);
  const kept = given.map(withoutFlag).filter((value) => value.includes("`"));
  return (message) =>
    message.replaceAll(
      QUOTED_OR_OPTION,
      (found, key: string | undefined, value: string | undefined, at: number) =>
        key === undefined || !known.has(key) || kept.some((text) => isWithin(text, message, at))
          ? found
          : writeFlag(toKebab(key), value),
    );
}

/** `DIR` of both `DIR` and `--output-dir=DIR`. */
function withoutFlag(word: string): string {
  return word.replace(/^--[\w-]+=/, "");
}

/** Whether one of the places where `message` has `text` includes the character `at`. */
function isWithin(text: string, message: string, at: number): boolean {
  for (let start = message.indexOf(text); start >= 0; start = message.indexOf(text, start + 1))
    if (start <= at && at < start + text.length) return true;
  return false;
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
  // Signs alone are safe, too, but hard to tell from the sentence's own.
  return /^[\w.,:/@%+=-]*[\w/][\w.,:/@%+=-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
