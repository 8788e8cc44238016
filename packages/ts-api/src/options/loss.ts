import type { LossConfig } from "@finetag/core-native";
import { z } from "zod";
import { FinetagError } from "../errors/index.ts";
import { type OptionSpec, optionGroup, shapeOf } from "./option.ts";

/** A loss function that a model can be trained with. */
export interface LossSpec {
  /** For help and the model card. */
  title: string;
  /** The options of this loss alone, named after it, such as `focalGamma`. */
  options: Record<string, OptionSpec>;
  /** The engine's configuration for these options. */
  config(options: never): { type: string };
}

/** All losses, by the engine's names. To add one, add an entry; its options, their help and the card follow from it. */
export const losses = {
  bce_with_logits: {
    title: "binary cross-entropy per label",
    options: {},
    config: (): LossConfig => ({ type: "bce_with_logits" }),
  },
} as const satisfies Record<string, LossSpec>;

type UnionToIntersection<Union> = (Union extends unknown ? (_: Union) => void : never) extends (
  _: infer Intersection,
) => void
  ? Intersection
  : never;

export type LossOptionsOf<Losses extends Record<string, LossSpec>> = UnionToIntersection<
  Losses[keyof Losses]["options"]
>;

/** Declares the option that selects a loss, and the options of each loss. */
export function declareLosses<const Losses extends Record<string, LossSpec>>(table: Losses) {
  const types = Object.keys(table) as [keyof Losses & string, ...(keyof Losses & string)[]];
  const titles = types.map((type) => `${type} (${table[type]!.title})`);
  const [first] = types;
  const loss = {
    type: z.enum(types).default(first),
    description: `Loss function: ${titles.join(", ")}`,
    usedBy: ["loss"],
    availableIn: ["Classifier.train"],
    card: "loss function",
  } as const satisfies OptionSpec;
  const all: Record<string, OptionSpec> = Object.assign(
    { loss },
    ...types.map((type) => table[type]!.options),
  );
  return optionGroup("Training", all) as { readonly loss: typeof loss } & LossOptionsOf<Losses>;
}

/** The engine's configuration for the loss that the options select. */
export function lossConfigOf<Losses extends Record<string, LossSpec>>(
  table: Losses,
  options: { loss: keyof Losses & string },
): ReturnType<Losses[keyof Losses]["config"]> {
  return table[options.loss]!.config(options as never) as ReturnType<Losses[keyof Losses]["config"]>;
}

export const lossOptions = declareLosses(losses);

/** The engine's configuration of the loss that the options select. */
export function lossConfig(options: { loss: keyof typeof losses }): LossConfig {
  return lossConfigOf(losses, options);
}

const savedSchema = z.object(shapeOf(lossOptions));

/**
 * The loss that a saved model was trained with; what evaluation reports as its loss.
 *
 * @param saved the options in its `finetag.json`, which may be older than the loss options
 * @param directory the model's, for messages
 * @throws FinetagError `ERR_FINETAG_MODEL` for a loss that this version does not know.
 */
export function savedLossConfig(saved: Readonly<Record<string, unknown>>, directory: string): LossConfig {
  const parsed = savedSchema.safeParse(saved);
  if (parsed.success) return lossConfig(parsed.data);
  const key = String(parsed.error.issues[0]!.path[0]);
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${directory}/finetag.json: "arguments" has the ${key} ${JSON.stringify(saved[key])}, which this version of finetag does ` +
      "not know; evaluate the model with the version that trained it",
    { cause: parsed.error },
  );
}

/** The title of the loss named in a model's `finetag.json`, which may be older than the option. */
export function lossTitle(type: unknown): string {
  const known: Record<string, LossSpec> = losses;
  return (typeof type === "string" ? known[type] : undefined)?.title ?? losses.bce_with_logits.title;
}
