import { z } from "zod";
import { toKebab } from "./names.ts";
import { type JsonSchema, requirementOf } from "./requirement.ts";

/** How the text of an option on the command line becomes a value. */
export type FlagKind = "text" | "number" | "numberOrText" | "boolean" | "list";

/** One `--option`, as its schema declares it. */
export interface Flag {
  /** In the schema and in TypeScript: `batchSize`. */
  key: string;
  /** On the command line: `batch-size`. */
  name: string;
  kind: FlagKind;
  /** Names other options in backticks, as the schema has them: `maxSteps`. */
  description: string;
  /** The heading of `--help` under which it is shown. */
  heading: string | undefined;
  /** As shown in `--help`. */
  defaultText?: string;
  required: boolean;
  /** The allowed values, if there are only a few. */
  choices?: string[];
  /** What a value must be, in words. */
  requirement: string;
}

/** All options of a schema in its order. Kinds, bounds and defaults come from its JSON Schema. */
export function flagsOf(schema: z.ZodObject): Flag[] {
  const { properties = {}, required = [] } = toJsonSchema(schema);
  return Object.entries(properties).map(([key, property]) => ({
    key,
    name: toKebab(key),
    kind: kindOf(property),
    description: property.description ?? "",
    heading: property.heading,
    defaultText: defaultTextOf(property.default),
    required: required.includes(key),
    choices: property.enum?.map(String),
    requirement: requirementOf(property),
  }));
}

export function toJsonSchema(schema: z.ZodObject): JsonSchema {
  return z.toJSONSchema(schema, { io: "input" }) as JsonSchema;
}

function kindOf(schema: JsonSchema): FlagKind {
  if (schema.type === "boolean") return "boolean";
  if (schema.type === "array") return "list";
  if (isNumeric(schema)) return "number";
  return schema.anyOf?.some(isNumeric) ? "numberOrText" : "text";
}

function isNumeric({ type }: JsonSchema): boolean {
  return type === "number" || type === "integer";
}

function defaultTextOf(value: unknown): string | undefined {
  if (value === undefined || value === false) return undefined;
  if (typeof value === "number" && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  return value === true ? "on" : String(value);
}
