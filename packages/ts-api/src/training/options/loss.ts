import { z } from "zod";
import { type OptionSpec, optionGroup } from "./option.ts";

/** What the engine is told about the loss; `SessionOptions.loss`. */
export type LossConfig = { type: "bce_with_logits" };

/** A loss function that a model can be trained with. */
export interface LossSpec {
  /** For help and the model card. */
  title: string;
  /** Its own options, named after it: `focalGamma`. */
  options: Record<string, OptionSpec>;
  /** What the engine is told. */
  config(options: never): { type: string };
}

/** All losses by their names in the engine. Another one is an entry here; its options and their help follow. */
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

/** The option that chooses among losses, and the options of each of them. */
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

/** What the engine is told about the loss of a table that the options choose. */
export function lossConfigOf<Losses extends Record<string, LossSpec>>(
  table: Losses,
  options: { loss: keyof Losses & string },
): ReturnType<Losses[keyof Losses]["config"]> {
  return table[options.loss]!.config(options as never) as ReturnType<Losses[keyof Losses]["config"]>;
}

export const lossOptions = declareLosses(losses);

/** The loss for the engine's session. */
export function lossConfig(options: { loss: keyof typeof losses }): LossConfig {
  return lossConfigOf(losses, options);
}

/** The title of a loss by its name in a model's `finetag.json`, which may be older than the option. */
export function lossTitle(type: unknown): string {
  const known: Record<string, LossSpec> = losses;
  return (typeof type === "string" ? known[type] : undefined)?.title ?? losses.bce_with_logits.title;
}
