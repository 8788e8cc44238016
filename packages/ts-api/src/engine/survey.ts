import type { NativeModelConfig, ParameterInfo } from "@finetag/core-native";
import { type ModelConfig, matchWeights, type WeightMatch } from "../models/index.ts";
import { openWeights, type TensorFile } from "../weights/index.ts";
import { openAddon } from "./addon.ts";
import { ModelSession } from "./session.ts";

/** How a directory's weights match its model, according to their headers. */
export interface Survey {
  /** Open; the caller closes it. */
  file: TensorFile;
  /** Labels of the head: from the config, else from the head in the file; 1 if there is neither. */
  labels: number;
  /** Of the model with its head. */
  parameters: ParameterInfo[];
  match: WeightMatch;
}

/**
 * Opens a model's weights and matches them with its config; reads no tensor.
 *
 * @throws FinetagError `ERR_FINETAG_MODEL` for problems that also keep the model from being opened.
 */
export async function surveyWeights({
  weights,
  config,
}: {
  weights: string;
  config: ModelConfig;
}): Promise<Survey> {
  const file = await openWeights(weights);
  try {
    const labels = Math.max(config.native.numLabels, 1);
    const survey = await match(file, config, labels);
    // The config of a model that was trained elsewhere may not know the labels; the head in the file does.
    const held = config.native.numLabels > 0 ? undefined : heldLabels(survey.match, config);
    return held === undefined ? survey : await match(file, config, held);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Outputs of the head in the file, if they are not 1. */
function heldLabels({ head, linear }: WeightMatch, { native }: ModelConfig): number | undefined {
  if (typeof head === "object") return head.labels;
  const [own, ...others] = linear;
  return own?.inputs === native.hiddenSize && others.length === 0 ? own.outputs : undefined;
}

async function match(file: TensorFile, config: ModelConfig, labels: number): Promise<Survey> {
  const parameters = await parametersOf({ ...config.native, numLabels: labels }, 1);
  return { file, labels, parameters, match: matchWeights(config, parameters, file.entries()) };
}

/**
 * Shapes only: takes no memory, whatever the model's size.
 *
 * @param threads Threads of the session that follows, if any: libtorch keeps the last number that was set.
 */
export async function parametersOf(config: NativeModelConfig, threads: number): Promise<ParameterInfo[]> {
  const session = await ModelSession.create(await openAddon(), {
    config,
    device: "meta",
    threads,
    seed: 0,
    precision: "float32",
  });
  try {
    return session.parameters();
  } finally {
    await session.dispose();
  }
}
