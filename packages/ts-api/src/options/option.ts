import type { z } from "zod";

/** The part of finetag that an option is for. Tests change the option and look for a change there. */
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
  /** The output directory and what is kept there. */
  | "storage"
  /** Which model the run starts from, how it is logged, whether it continues another run. */
  | "run";

/** Where an option is available besides a whole run (`trainRun`, `finetag train`). */
export type OptionPlace = "Classifier.train" | "eval" | "predict";

/**
 * How `resume` treats an option whose value differs from the one the checkpoint was written with.
 *
 * - `fixed`: the run is refused. Whatever decides the weights, or which weights are the best, is fixed.
 * - `warned`: the run continues with a warning that the last bits of results may differ.
 * - `compared`: the value may differ, but what it leads to may not: the fingerprints of the rows, the list of labels,
 *   the model's config.
 * - `free`: the run continues; the option does not change what is computed.
 */
export type OnResume = "fixed" | "warned" | "compared" | "free";

/** Declares an option. Every list of options is derived from these declarations. */
export interface OptionSpec {
  /** With its default, where it has one. */
  type: z.ZodType;
  /** One line for help, editors and docs; other options are named in backticks. */
  description: string;
  usedBy: readonly [OptionUser, ...OptionUser[]];
  availableIn?: readonly OptionPlace[];
  /** `fixed` unless given, so that a forgotten option refuses to resume and never resumes with other arithmetic. */
  onResume?: OnResume;
  /** The option's name in the engine's `TrainingOptions`, where it differs. */
  optimizerField?: string;
  /** Name of its row on the model card. Without a name it is not on the card. */
  card?: string;
  /** Stored with the model, from which `eval` and `predict` take their default. */
  storedWithModel?: true;
  /** A path on this machine. Only its last part is published. */
  isPath?: true;
  /** Its value for checkpoints that are older than the option, if that is not today's default. */
  beforeItExisted?: unknown;
  /** Where it is not given, a resumed run takes the checkpoint's value: older versions had another default. */
  keptOnResume?: true;
}

/** Headings of `finetag train --help`. */
export type OptionHeading = "Model" | "Data" | "Training" | "Run";

/**
 * Declares options under a heading of the help. The types carry heading and description as zod metadata, so both appear
 * in the JSON Schema of every object that the types are used in.
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
