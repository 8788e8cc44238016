import type { z } from "zod";

/** Who reads an option; a test looks for it there. */
export type OptionUser =
  /** The engine's optimizer, under the option's name or its `optimizerField`. */
  | "optimizer"
  /** The engine's loss function. */
  | "loss"
  /** How rows are cut into batches and steps. */
  | "plan"
  /** How the model is opened: its head, device, precision, dropout. */
  | "model"
  /** How rows are found, read and tokenized. */
  | "data"
  /** When the run evaluates, saves and stops, and in which order it takes the rows. */
  | "loop"
  /** What is kept in the output directory. */
  | "storage"
  /** Where the run starts from and what it shows. */
  | "run";

/** Where an option is available besides a whole run (`trainRun`, `finetag train`). */
export type OptionPlace = "Classifier.train" | "eval" | "predict";

/**
 * What `resume` does when an option has another value than the checkpoint was written with.
 *
 * - `fixed`: it is refused. Anything that decides the weights, or which of them are the best, is fixed.
 * - `warned`: it may change the last bits of a float, and the run says so.
 * - `compared`: what the option leads to is compared in its place: the rows' fingerprints, the list of labels, the
 *   model's config.
 * - `free`: it changes nothing that is computed.
 */
export type OnResume = "fixed" | "warned" | "compared" | "free";

/** All that finetag knows of an option; every list of options is derived from these. */
export interface OptionSpec {
  /** With its default, where it has one. */
  type: z.ZodType;
  /** One line for help, editors and docs; other options are named in backticks. */
  description: string;
  usedBy: readonly [OptionUser, ...OptionUser[]];
  availableIn?: readonly OptionPlace[];
  /** `fixed` unless said otherwise: a forgotten option refuses to resume rather than compute something else. */
  onResume?: OnResume;
  /** The option's name in the engine's `TrainingOptions`, where it differs. */
  optimizerField?: string;
  /** The name of its row on the model card; it is not on the card without. */
  card?: string;
  /** It is stored with the model, and `eval` and `predict` take it from there by default. */
  storedWithModel?: true;
  /** It names a file or directory of this machine, of which only the last part is published. */
  isPath?: true;
  /** What a checkpoint without the option means, where that is not today's default. */
  beforeItExisted?: unknown;
}

/** Headings of `finetag train --help`. */
export type OptionHeading = "Model" | "Data" | "Training" | "Run";

/**
 * Declares options under a heading of the help. Heading and description go with the types as zod's metadata, so that
 * they are in the JSON Schema of whatever the types become a part of.
 */
export function optionGroup<const Specs extends Record<string, OptionSpec>>(
  heading: OptionHeading,
  specs: Specs,
): Specs {
  const declared = Object.entries(specs).map(([key, spec]) => {
    const { type, description } = spec;
    return [key, { ...spec, type: type.meta({ description, heading }) }];
  });
  return Object.fromEntries(declared) as Specs;
}

/** The zod shape of declared options. */
export type ShapeOf<Specs extends Record<string, OptionSpec>> = {
  -readonly [Key in keyof Specs]: Specs[Key]["type"];
};

export function shapeOf<Specs extends Record<string, OptionSpec>>(specs: Specs): ShapeOf<Specs> {
  return Object.fromEntries(Object.entries(specs).map(([key, { type }]) => [key, type])) as ShapeOf<Specs>;
}

/** Names of the options that have `value` in their list `property`. */
type KeysListing<Specs, Property extends string, Value> = {
  [Key in keyof Specs]: Specs[Key] extends { [_ in Property]: readonly (infer Listed)[] }
    ? Value extends Listed
      ? Key
      : never
    : never;
}[keyof Specs];

export type AvailableIn<Specs, Place extends OptionPlace> = Pick<
  Specs,
  KeysListing<Specs, "availableIn", Place>
>;

export function availableIn<Specs extends Record<string, OptionSpec>, Place extends OptionPlace>(
  specs: Specs,
  place: Place,
): AvailableIn<Specs, Place> {
  return filterSpecs(specs, (spec) => spec.availableIn?.includes(place) ?? false);
}

export type UsedBy<Specs, User extends OptionUser> = Pick<Specs, KeysListing<Specs, "usedBy", User>>;

export function usedBy<Specs extends Record<string, OptionSpec>, User extends OptionUser>(
  specs: Specs,
  user: User,
): UsedBy<Specs, User> {
  return filterSpecs(specs, (spec) => spec.usedBy.includes(user));
}

function filterSpecs<Result>(specs: Record<string, OptionSpec>, keep: (spec: OptionSpec) => boolean): Result {
  return Object.fromEntries(Object.entries(specs).filter(([, spec]) => keep(spec))) as Result;
}
