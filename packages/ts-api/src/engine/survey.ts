import type { NativeModelConfig, ParameterInfo } from "@finetag/core-native";
import { type ModelConfig, matchWeights, type WeightMatch } from "../models/index.ts";
import { openWeights, type TensorFile } from "../weights/index.ts";
import { openAddon } from "./addon.ts";
import { ModelSession } from "./session.ts";

/** What a directory's weights are to its model, seen by their headers. */
export interface Survey {
  /** Open; whoever asked for the survey closes it. */
  file: TensorFile;
  /** Of the head: as the config says, else as the head in the file has; 1 where there is neither. */
  labels: number;
  /** Of the model with its head. */
  parameters: ParameterInfo[];
  match: WeightMatch;
}

/**
 * Opens a directory's weights and matches them with its model; reads no tensor.
 *
 * @throws FinetagError `ERR_FINETAG_MODEL` for what would also keep the model from being opened.
 */
export async function surveyWeights(directory: string, config: ModelConfig): Promise<Survey> {
  const file = await openWeights(directory);
  try {
    const labels = Math.max(config.native.numLabels, 1);
    const survey = await match(file, config, labels);
    // The config of a model that was trained elsewhere may not know the labels; the head in the file does.
    if (config.native.numLabels > 0 || typeof survey.match.head === "string") return survey;
    return await match(file, config, survey.match.head.labels);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function match(file: TensorFile, config: ModelConfig, labels: number): Promise<Survey> {
  const parameters = await parametersOf({ ...config.native, numLabels: labels }, 1);
  return { file, labels, parameters, match: matchWeights(config, parameters, file.entries()) };
}

/**
 * Shapes only: no memory is taken, whatever the model's size.
 *
 * @param threads Those of the session that follows, if one does: libtorch keeps the number that was set last.
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
