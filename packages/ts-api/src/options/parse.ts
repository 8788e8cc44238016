import type { z } from "zod";
import { FinetagError, nearest } from "../errors/index.ts";
import { optionSpecs } from "./schema.ts";

/**
 * Options checked against a schema, defaults filled in. Keys whose value is undefined count as absent.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT` that names the first wrong option, with a suggestion for an unknown one.
 */
export function parseOptions<Schema extends z.ZodObject>(schema: Schema, options: unknown): z.output<Schema> {
  if (typeof options !== "object" || options === null) {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", "the options must be an object");
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = schema.safeParse(given);
  if (parsed.success) {
    refuseNullCharacters(given);
    return parsed.data;
  }
  const issue = parsed.error.issues[0]!;
  const [option, ...place] = issue.code === "unrecognized_keys" ? [issue.keys[0]!] : issue.path.map(String);
  const what =
    issue.code === "unrecognized_keys"
      ? isNoOption(option!, Object.keys(schema.shape))
      : isWrong(option!, place, requirement(issue), given);
  throw new FinetagError("ERR_FINETAG_ARGUMENT", `\`${option}\`${what}`, { option, cause: parsed.error });
}

/** No file system takes them in a path, and Node's own error does not say whose they are. */
function refuseNullCharacters(given: Record<string, unknown>): void {
  for (const [option, value] of Object.entries(given)) {
    if (typeof value !== "string" || !value.includes("\0") || !optionSpecs[option]?.isPath) continue;
    throw new FinetagError("ERR_FINETAG_ARGUMENT", `\`${option}\`: a path cannot contain a null character`, {
      option,
    });
  }
}

function isNoOption(name: string, known: string[]): string {
  const meant = nearest(name, known);
  return ` is not an option${meant === undefined ? "" : `; did you mean \`${meant}\`?`}`;
}

function isWrong(name: string, place: string[], what: string, given: Record<string, unknown>): string {
  if (!(name in given)) return " is missing";
  const where = place.length === 0 ? "" : ` (at ${place.join(".")})`;
  return `${where}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  int: "must be a whole number",
  number: "must be a number",
  string: "must be a string",
  boolean: "must be true or false",
};

/** How zod's own messages begin; a schema may have given another. */
const OF_ZOD = /^(Too small|Too big|Invalid)/;

/** What the value must be. */
function requirement(issue: z.core.$ZodIssue): string {
  if (!OF_ZOD.test(issue.message)) return issue.message;
  if (issue.code === "invalid_type") return TYPES[issue.expected] ?? issue.message;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  const bound = issue.code === "too_small" || issue.code === "too_big" ? issue : undefined;
  if (bound === undefined) return issue.message;
  if (bound.origin === "string" || bound.origin === "array") {
    return bound.code === "too_small" && bound.minimum === 1 ? "must not be empty" : issue.message;
  }
  return bound.code === "too_small"
    ? `must be ${bound.inclusive === false ? "greater than" : "at least"} ${bound.minimum}`
    : `must be ${bound.inclusive === false ? "less than" : "at most"} ${bound.maximum}`;
}
