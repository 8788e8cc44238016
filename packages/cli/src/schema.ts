import { trainOptionsSchema } from "@finetag/api";
import { configSchema } from "./arguments/index.ts";

/** The JSON Schema of `finetag train --config`, as `finetag.schema.json` holds it. */
export function trainConfigSchema(): Record<string, unknown> {
  return configSchema(trainOptionsSchema);
}
