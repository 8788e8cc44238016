import { z } from "zod";
import { columnOptions, rowOptions } from "./data.ts";
import { inferenceOptions } from "./inference.ts";
import { lossOptions } from "./loss.ts";
import { modelOptions } from "./model.ts";
import {
  type AvailableIn,
  availableIn,
  type OptionPlace,
  type OptionSpec,
  type OptionUser,
  type ShapeOf,
  shapeOf,
  type UsedBy,
  usedBy,
} from "./option.ts";
import { runOptions } from "./run.ts";
import { trainingOptions } from "./training.ts";

/** Every option of a training run, in the order of the help. */
export const declaredOptions = {
  ...modelOptions,
  ...rowOptions,
  ...columnOptions,
  ...lossOptions,
  ...trainingOptions,
  ...runOptions,
};

export type DeclaredOptions = typeof declaredOptions;

/** {@link declaredOptions} by name, to iterate over. */
export const optionSpecs: Readonly<Record<string, OptionSpec>> = declaredOptions;

/** Everything `finetag train` takes, in camelCase; defaults are those of Hugging Face Trainer where it has one. */
export const trainOptionsSchema = z.strictObject(shapeOf(declaredOptions));

/** How the columns of a data file are read; the same for train, dev and test. */
export const dataOptionsSchema = z.strictObject(shapeOf(columnOptions));

/** Hyperparameters of `Classifier.train`; those of the data, the model and the output are given elsewhere. */
export const fitOptionsSchema = z.strictObject(shapeOf(availableIn(declaredOptions, "Classifier.train")));

/** Options of `finetag eval`, but for the model, the data and the output. */
export const evalOptionsSchema = z.strictObject(inferenceShape("eval"));

/** Options of `finetag predict`, but for the model, the input and the output. */
export const predictOptionsSchema = z.strictObject(inferenceShape("predict"));

/** Options as a caller gives them: what has a default may be absent. */
export type TrainOptions = z.input<typeof trainOptionsSchema>;
/** Options with defaults filled in. */
export type ResolvedTrainOptions = z.output<typeof trainOptionsSchema>;
export type DataOptions = z.input<typeof dataOptionsSchema>;
export type FitOptions = z.input<typeof fitOptionsSchema>;
export type ResolvedFitOptions = z.output<typeof fitOptionsSchema>;

/** The options that a part of a run reads. */
export type OptionsUsedBy<User extends OptionUser> = Pick<
  ResolvedTrainOptions,
  keyof UsedBy<DeclaredOptions, User>
>;

/** The options in a checkpoint, which may be older than some of them. */
export const savedOptionsSchema = trainOptionsSchema.extend(
  Object.fromEntries(
    Object.entries(optionSpecs).flatMap(([key, { type, beforeItExisted }]) =>
      beforeItExisted === undefined ? [] : [[key, bare(type).default(beforeItExisted)]],
    ),
  ),
) as unknown as typeof trainOptionsSchema;

/** The options that a resumed run takes from its checkpoint, since the caller has not given them. */
export function keptOnResume(
  asked: TrainOptions,
  saved: ResolvedTrainOptions,
): Partial<ResolvedTrainOptions> {
  const given: Readonly<Record<string, unknown>> = asked;
  return Object.fromEntries(
    Object.entries(saved).filter(([key]) => optionSpecs[key]?.keptOnResume && given[key] === undefined),
  );
}

/** The options of the engine's optimizer, under the engine's names. */
type OptimizerFields = {
  [Key in keyof UsedBy<DeclaredOptions, "optimizer"> as DeclaredOptions[Key] extends {
    optimizerField: infer Field extends string;
  }
    ? Field
    : Key]: ResolvedTrainOptions[Key];
};

export function optimizerFields(options: OptionsUsedBy<"optimizer">): OptimizerFields {
  const own: Record<string, OptionSpec> = usedBy(declaredOptions, "optimizer");
  const values: Record<string, unknown> = options;
  return Object.fromEntries(
    Object.entries(own).map(([key, { optimizerField = key }]) => [optimizerField, values[key]]),
  ) as OptimizerFields;
}

/** An option that is stored with the model has no other default here. */
type InferenceShape<Place extends OptionPlace> = {
  -readonly [Key in keyof AvailableIn<DeclaredOptions, Place>]: DeclaredOptions[Key] extends {
    storedWithModel: true;
    type: z.ZodDefault<infer Type>;
  }
    ? z.ZodOptional<Type>
    : DeclaredOptions[Key]["type"];
} & ShapeOf<typeof inferenceOptions>;

function inferenceShape<Place extends "eval" | "predict">(place: Place): InferenceShape<Place> {
  const own: Record<string, OptionSpec> = availableIn(declaredOptions, place);
  const shape = Object.fromEntries(
    Object.entries(own).map(([key, { type, description, storedWithModel }]) => {
      if (storedWithModel === undefined) return [key, type];
      const meta = { ...type.meta(), description: `${description} (default: the model's)` };
      return [key, bare(type).optional().meta(meta)];
    }),
  );
  return { ...shape, ...shapeOf(inferenceOptions) } as unknown as InferenceShape<Place>;
}

/** A type without its default. */
function bare(type: z.ZodType): z.ZodType {
  return type instanceof z.ZodDefault ? (type.unwrap() as z.ZodType) : type;
}
