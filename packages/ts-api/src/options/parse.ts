import type { z } from "zod";
import { FinetagError, nearest } from "../errors/index.ts";

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
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FinetagError("ERR_FINETAG_ARGUMENT", describe(issue, given, Object.keys(schema.shape)), {
    cause: parsed.error,
  });
}

function describe(issue: z.core.$ZodIssue, given: Record<string, unknown>, known: string[]): string {
  if (issue.code !== "unrecognized_keys") {
    const [name, ...place] = issue.path.map(String);
    if (!(name! in given)) return `\`${name}\` is missing`;
    const where = place.length === 0 ? "" : ` (at ${place.join(".")})`;
    return `\`${name}\`${where}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
  }
  const unknown = issue.keys[0]!;
  const meant = nearest(unknown, known);
  const hint = meant === undefined ? "" : `; did you mean \`${meant}\`?`;
  return `\`${unknown}\` is not an option${hint}`;
}
