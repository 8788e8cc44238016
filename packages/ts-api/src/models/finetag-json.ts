import { join } from "node:path";
import * as z from "zod";
import type { DataColumns } from "../data/index.ts";
import { FinetagError } from "../errors/index.ts";
import { readJsonFileIfAny } from "../io/index.ts";

/** What finetag knows of a model beyond what transformers reads; `finetag.json` next to the weights. */
export interface FinetagJson {
  version: 1;
  /** A label is given when its probability is above this one. */
  threshold: number;
  /** By label, where they differ from `threshold`. */
  thresholds?: Record<string, number>;
  /** Tokens, special ones included, to which texts are cut. */
  maxLength: number;
  /** The columns of the training data. */
  columns: DataColumns;
  /** Of the training run, as they were in force. */
  arguments: Record<string, unknown>;
  /** Of finetag, libtorch and node. */
  versions: Record<string, string>;
}

export const FINETAG_JSON = "finetag.json";

const probability = z.number().min(0).max(1);
const values = z.enum(["names", "ids"]).optional();
const separator = z.string();

const labelRules = {
  missing: z.enum(["mask", "negative"]).optional(),
  soft: z.literal(true).optional(),
  threshold: probability.optional(),
  blank: z.literal("no").optional(),
};
const column = z.string();
const optionalSeparator = separator.optional();

const columnsSchema = z.object({
  text: z.string(),
  textPair: z.string().optional(),
  id: z.string().optional(),
  labels: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("columns"), names: z.array(z.string()), ...labelRules }),
    z.object({ kind: z.literal("delimited"), column, separator, values, ...labelRules }),
    z.object({ kind: z.literal("json"), column, separator: optionalSeparator, values, ...labelRules }),
    z.object({ kind: z.literal("flags"), column, separator: optionalSeparator, ...labelRules }),
    z.object({ kind: z.literal("object"), column, ...labelRules }),
    z.object({ kind: z.literal("none") }),
  ]),
  mergeDuplicates: z.literal(true).optional(),
});

const schema: z.ZodType<FinetagJson> = z.object({
  version: z.literal(1),
  threshold: probability,
  thresholds: z.record(z.string(), probability).optional(),
  maxLength: z.int().min(1),
  columns: columnsSchema,
  arguments: z.record(z.string(), z.unknown()),
  versions: z.record(z.string(), z.string()),
});

/**
 * Reads `finetag.json`.
 *
 * @returns Undefined if the folder has none, as with models from elsewhere.
 * @throws ERR_FINETAG_MODEL for contents that finetag did not write, or a newer version of it did.
 */
export async function readFinetagJson(dir: string): Promise<FinetagJson | undefined> {
  const path = join(dir, FINETAG_JSON);
  const json = await readJsonFileIfAny(path, "ERR_FINETAG_MODEL");
  if (json === undefined) return undefined;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const version = (json as { version?: unknown } | null)?.version;
  const what =
    typeof version === "number" && version > 1
      ? `written by a newer finetag (version ${version} of the file); update finetag`
      : `${JSON.stringify(parsed.error.issues[0]?.path.join("."))}: ${parsed.error.issues[0]?.message}; correct it, or remove the file`;
  throw new FinetagError("ERR_FINETAG_MODEL", `${path}: ${what}`);
}

/** JSON as people and diffs like it. */
export function formatJson(json: unknown): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}
