import { z } from "zod";
import { optionSpecs } from "../../src/options/index.ts";
import { type LossSpec, losses } from "../../src/options/loss.ts";

const CANDIDATES: readonly unknown[] = [true, false, 2, 5, 0.25, "other", "cuda:7", ["other"]];

/**
 * A valid value of an option that is neither its default nor the value in `not`; undefined if there is only one, as for
 * a choice of one.
 */
export function otherValue(key: string, not?: unknown): unknown {
  const { type } = optionSpecs[key]!;
  const { enum: choices = [] } = z.toJSONSchema(type, { io: "input" }) as { enum?: unknown[] };
  const standard = type.safeParse(undefined).data;
  return [...choices, ...CANDIDATES].find((value) => {
    const { success, data } = type.safeParse(value);
    return success && data !== standard && data !== not;
  });
}

/** The other options without which one has no effect: a loss for its own options. */
export function neededBy(key: string): object {
  const table: Record<string, LossSpec> = losses;
  const loss = Object.keys(table).find((type) => key in table[type]!.options);
  return loss === undefined ? {} : { loss };
}
