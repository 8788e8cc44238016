/** The part of JSON Schema that options use. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  /** What a text with a form of its own must be, in words. */
  title?: string;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  default?: unknown;
  description?: string;
  /** The heading of the help under which the option is shown; zod's metadata. */
  heading?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

/** Says what a value must be: `a whole number of at least 3`, `one of csv, tsv, jsonl`. */
export function requirementOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  if (schema.title !== undefined) return schema.title;
  if (schema.anyOf !== undefined) {
    const last = schema.anyOf.length - 1;
    const parts = schema.anyOf.map(requirementOf);
    return [parts.slice(0, last).join(", "), parts[last]].join(" or ");
  }
  switch (schema.type) {
    case "number":
      return `a number${boundsOf(schema)}`;
    case "integer":
      return `a whole number${boundsOf(wholeBounds(schema))}`;
    case "boolean":
      return "true or false";
    case "array":
      return "a list of non-empty names";
    default:
      return "a non-empty text";
  }
}

function boundsOf({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const bounds: string[] = [];
  if (exclusiveMinimum !== undefined) bounds.push(`greater than ${exclusiveMinimum}`);
  else if (minimum !== undefined) bounds.push(`of at least ${minimum}`);
  if (exclusiveMaximum !== undefined) bounds.push(`less than ${exclusiveMaximum}`);
  else if (maximum !== undefined) bounds.push(`of at most ${maximum}`);
  return bounds.length === 0 ? "" : ` ${bounds.join(" and ")}`;
}

/** Whole numbers: one lower bound, and no mention of the largest integer that JavaScript can hold. */
function wholeBounds(schema: JsonSchema): JsonSchema {
  const lowest = [
    schema.minimum,
    schema.exclusiveMinimum === undefined ? undefined : schema.exclusiveMinimum + 1,
  ];
  const bounds = lowest.filter((bound) => bound !== undefined && bound > Number.MIN_SAFE_INTEGER) as number[];
  return {
    minimum: bounds.length === 0 ? undefined : Math.max(...bounds),
    maximum: schema.maximum === Number.MAX_SAFE_INTEGER ? undefined : schema.maximum,
  };
}
