import type { z } from "zod";
import { toJsonSchema } from "./flags.ts";
import { toKebab } from "./names.ts";
import type { JsonSchema } from "./requirement.ts";

/**
 * The JSON Schema of `--config`: every option in camelCase and kebab-case. None is required, since the rest may come
 * from the command line.
 */
export function configSchema(schema: z.ZodObject): Record<string, unknown> {
  const { properties = {} } = toJsonSchema(schema);
  const all: Record<string, JsonSchema | { $ref: string } | { type: string; description: string }> = {
    $schema: { type: "string", description: "Path or URL of this schema, for editors" },
    ...Object.fromEntries(Object.entries(properties).map(withoutHeading)),
  };
  for (const key of Object.keys(properties)) {
    if (toKebab(key) !== key) all[toKebab(key)] = { $ref: `#/properties/${key}` };
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "finetag train --config",
    description: "Options of `finetag train`; the command line overrides the file",
    type: "object",
    properties: all,
    additionalProperties: false,
  };
}

/** Headings are for the help of a command. */
function withoutHeading([key, { heading: _heading, ...property }]: [string, JsonSchema]): [
  string,
  JsonSchema,
] {
  return [key, property];
}
