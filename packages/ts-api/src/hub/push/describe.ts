import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expandHome, readJsonFile } from "../../io/index.ts";
import type { SplitMetrics } from "../../metrics/index.ts";
import {
  type FinetagJson,
  type ModelConfig,
  namesOfLabels,
  readFinetagJson,
  readModelConfig,
} from "../../models/index.ts";
import { findInCatalogue } from "../catalogue.ts";
import { repoFolder } from "../hub-cache.ts";
import { defaultHubCache } from "../settings.ts";

/** What a trained directory tells about its model, for people. */
export interface ModelDescription {
  config: ModelConfig;
  labels: string[];
  /** Absent for a model that finetag did not train. */
  finetag: FinetagJson | undefined;
  /** The id on the Hub of the model that the training began with, where it is known. */
  baseModel: string | undefined;
  /** SPDX identifier of the base model's licence, where the catalogue knows it. */
  baseLicence: string | undefined;
  /** Of the best model: on the test data, else on the dev data. */
  metrics: { split: "test" | "dev"; values: Partial<SplitMetrics> } | undefined;
  /** Rows and so on of the training. */
  training: Record<string, unknown> | undefined;
}

/** @throws ERR_FINETAG_MODEL for a config that is none. */
export async function describeModel(directory: string): Promise<ModelDescription> {
  const config = await readModelConfig(directory);
  const finetag = await readFinetagJson(directory);
  const { train, dev, test } = await readMetrics(directory);
  const baseModel = await hubIdOf(finetag?.arguments.model);
  const values = test ?? dev;
  return {
    config,
    labels: namesOfLabels(config),
    finetag,
    baseModel,
    baseLicence: baseModel === undefined ? undefined : findInCatalogue(baseModel)?.licence,
    metrics: values === undefined ? undefined : { split: test === undefined ? "dev" : "test", values },
    training: train,
  };
}

interface MetricsFile {
  train?: Record<string, unknown>;
  dev?: Partial<SplitMetrics>;
  test?: Partial<SplitMetrics>;
}

/** A metrics.json of another program says nothing here; it is no reason to stop. */
async function readMetrics(directory: string): Promise<MetricsFile> {
  if (!(await readdir(directory)).includes("metrics.json")) return {};
  const json = await readJsonFile(join(directory, "metrics.json"), "ERR_FINETAG_MODEL");
  const part = (key: string) => {
    const value = (json as Record<string, unknown> | null)?.[key];
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  };
  return { train: part("train"), dev: part("dev"), test: part("test") };
}

/**
 * Of a name of the catalogue, a snapshot in the Hub's cache, or an id that this cache holds: `out/run1` may be an id as
 * well as a folder. Another path says nothing that others could use.
 */
async function hubIdOf(model: unknown): Promise<string | undefined> {
  if (typeof model !== "string") return undefined;
  const entry = findInCatalogue(model);
  if (entry !== undefined) return entry.hubId;
  const cached = /(?:^|[\\/])models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/]/.exec(model);
  if (cached !== null) return `${cached[1]}/${cached[2]}`;
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(model)) return undefined;
  const isHeld = await stat(repoFolder(expandHome(defaultHubCache()), model)).catch(() => undefined);
  return isHeld === undefined ? undefined : model;
}
