import type { ParameterInfo } from "@finetag/core-native";
import type { TensorEntry } from "../weights/index.ts";
import type { Family } from "./families/index.ts";
import { headBias, isHeadOf } from "./names.ts";

/** A linear layer next to the encoder that a class of one's own may have as its head. */
export interface LinearLayer {
  /** Without `.weight`, as in the file. */
  name: string;
  inputs: number;
  outputs: number;
}

/** Heads of pretraining and of other tasks, what optimizers and losses keep, and poolers of families that use none. */
const NO_HEAD =
  /(^|\.)(cls|predictions|sop_classifier|lm_head|seq_relationship|qa_outputs|pooler|vocab_transform|vocab_projector|vocab_layer_norm|discriminator_predictions|generator_predictions|generator_lm_head|optimizer\w*|criterion|loss\w*|state|exp_avg\w*)(\.|$)/;

/** What a file has next to the encoder. */
export interface Surroundings {
  linear: LinearLayer[];
  /** Whether there are weights that no linear layer explains, as of a norm or a recurrent layer. */
  hasOthers: boolean;
}

/**
 * Looks at what the encoder leaves unused.
 *
 * @param unused Tensors that fill no parameter.
 * @param width Of the encoder's output.
 */
export function surroundingsOf(unused: readonly TensorEntry[], width: number): Surroundings {
  const known = new Map(unused.map((entry) => [entry.name, entry]));
  const own = unused.filter(({ name }) => !NO_HEAD.test(name));
  const linear = own.flatMap(({ name, shape }) => {
    const [outputs = 0, inputs = 0] = shape;
    const layer = name.replace(/\.weight$/, "");
    const bias = known.get(`${layer}.bias`);
    const isLinear = layer !== name && shape.length === 2 && String(bias?.shape) === String([outputs]);
    return isLinear ? [{ name: layer, inputs, outputs }] : [];
  });
  const explained = new Set(linear.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]));
  // A weight for each label, as losses have, is smaller.
  const hasOthers = own.some(
    ({ name, shape }) => !explained.has(name) && shape.reduce((size, each) => size * each, 1) >= width,
  );
  return { linear, hasOthers };
}

/** Of a family whose head is one linear layer: its two parameters. */
export function singleLayer(
  parameters: readonly ParameterInfo[],
  family: Family,
): { weight: ParameterInfo; bias: ParameterInfo } | undefined {
  const head = parameters.filter(({ name }) => isHeadOf(family, name));
  const weight = head.find(({ name }) => name === family.headWeight);
  const bias = head.find(({ name }) => name === headBias(family));
  return head.length === 2 && weight && bias ? { weight, bias } : undefined;
}

/**
 * The layer that is the head: the only linear layer there is, if it takes the encoder's output.
 *
 * @param labels How many outputs it must have; undefined for any number.
 */
export function ownHead(
  { linear, hasOthers }: Surroundings,
  width: number,
  labels: number | undefined,
): LinearLayer | undefined {
  const [only, ...others] = linear;
  const fits = only?.inputs === width && (labels === undefined || only.outputs === labels);
  return fits && others.length === 0 && !hasOthers ? only : undefined;
}
