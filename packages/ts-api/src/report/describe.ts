import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readJsonFile } from "../io/index.ts";
import type { SplitMetrics } from "../metrics/index.ts";
import {
  type FinetagJson,
  type ModelConfig,
  namesOfLabels,
  readFinetagJson,
  readModelConfig,
} from "../models/index.ts";

/** The description of a trained directory's model, for people. */
export interface ModelDescription {
  config: ModelConfig;
  labels: string[];
  /** Absent for a model that finetag did not train. */
  finetag: FinetagJson | undefined;
  /** The Hub id of the model that training started from, if it is known. */
  baseModel: string | undefined;
  /** Metrics of the best model on the test data, else on the dev data. */
  metrics: { split: "test" | "dev"; values: Partial<SplitMetrics> } | undefined;
  /** Rows, steps and so on of the training. */
  training: Record<string, unknown> | undefined;
}

/**
 * @param baseModel The Hub id of the model that training started from, if the caller knows it.
 * @throws FinetagError `ERR_FINETAG_MODEL` for an unusable config.json.
 */
export async function describeModel(
  directory: string,
  baseModel: string | undefined,
): Promise<ModelDescription> {
  const config = await readModelConfig(directory);
  const finetag = await readFinetagJson(directory);
  const { train, dev, test } = await readMetrics(directory);
  const values = test ?? dev;
  return {
    config,
    labels: namesOfLabels(config),
    finetag,
    baseModel,
    metrics: values === undefined ? undefined : { split: test === undefined ? "dev" : "test", values },
    training: train,
  };
}

interface MetricsFile {
  train?: Record<string, unknown>;
  dev?: Partial<SplitMetrics>;
  test?: Partial<SplitMetrics>;
}

/** A metrics.json of another program is ignored; it is not an error. */
async function readMetrics(directory: string): Promise<MetricsFile> {
  if (!(await readdir(directory)).includes("metrics.json")) return {};
  const json = await readJsonFile(join(directory, "metrics.json"), "ERR_FINETAG_MODEL");
  const part = (key: string) => {
    const value = (json as Record<string, unknown> | null)?.[key];
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  };
  return { train: part("train"), dev: part("dev"), test: part("test") };
}
