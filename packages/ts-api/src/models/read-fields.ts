import * as z from "zod";
import type { Family } from "./families/index.ts";
import { COMMON_FIELDS, type ConfigFile, FIELDS, type FieldName } from "./schema.ts";

/**
 * Reads the fields that a family has; a missing key gets the family's default. Other keys are left alone, also those of
 * other families.
 */
export function readFields(
  json: unknown,
  { defaults, fixed, keys }: Family,
): { file: ConfigFile } | { issue: z.core.$ZodIssue } {
  const names = (Object.keys(defaults) as FieldName[]).filter((name) => fixed?.[name] === undefined);
  const shape = Object.fromEntries(names.map((name) => [keys?.[name] ?? name, FIELDS[name].optional()]));
  const parsed = z.object({ ...COMMON_FIELDS.shape, ...shape }).safeParse(json, { reportInput: true });
  if (!parsed.success) return { issue: parsed.error.issues[0]! };
  const given: Record<string, unknown> = parsed.data;
  const values = names.map((name) => [name, given[keys?.[name] ?? name] ?? defaults[name] ?? undefined]);
  return { file: { ...given, ...Object.fromEntries(values), ...fixed } as ConfigFile };
}
