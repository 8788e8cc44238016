import type { z } from "zod";
import { UsageError } from "../errors.ts";
import type { Flag } from "./flags.ts";
import type { Given } from "./read.ts";

/**
 * Checks the given values against their schema and fills in its defaults.
 * @throws UsageError that names the option or the config's line, and what the value must be.
 */
export function validate<Schema extends z.ZodObject>(
  schema: Schema,
  given: ReadonlyMap<string, Given>,
  flags: readonly Flag[],
): z.output<Schema> {
  const values = Object.fromEntries([...given].map(([key, { value }]) => [key, value]));
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const { issues } = result.error;
  // Wrong values are reported before missing ones.
  const issue = issues.find(({ path }) => given.has(String(path[0]))) ?? issues[0]!;
  const key = String(issue.path[0] ?? "");
  const flag = flags.find((each) => each.key === key);
  const place = given.get(key)?.place;
  if (flag === undefined) throw new UsageError(issue.message);
  if (place === undefined) throw new UsageError(`--${flag.name} is missing: ${flag.description}`);
  const ownWords = issue.code === "invalid_format" || issue.code === "custom";
  throw new UsageError(`${place} ${ownWords ? issue.message : `must be ${flag.requirement}`}`);
}
