import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import {
  LABELS,
  tinyRows,
  writeTinyCsv,
  writeTinyModel,
} from "../../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "../program.ts";

/** Options of a run that takes seconds. */
export const QUICK = [
  ...["--epochs", "4", "--batch-size", "16", "--learning-rate", "3e-3", "--threads", "1"],
  // The tests look at labels: the ranking is right long before probabilities pass the threshold.
  ...["--best-metric", "micro_f1"],
];

/** The command line of a run on the rows of `folder`. */
export const trainArgs = (
  { folder, base }: Pick<Trained, "folder" | "base">,
  out: string,
  ...more: string[]
) => [...["train", "--model", base, "--data-dir", folder, "--output-dir", out], ...more];

/** Whether `script` can give a program a terminal. */
export const hasScript = spawnSync("script", ["--version"]).status === 0;

export const lines = (text: string) => text.split("\n").filter((line) => line !== "");

export interface Trained {
  /** Holds all of it: train.csv, dev.csv, test.csv and classes.txt too. */
  folder: string;
  /** The pretrained model. */
  base: string;
  /** The output directory of the run. */
  model: string;
  /** What the run printed. */
  output: string;
}

/** A model that `finetag train` trains before the tests of a file; it is removed after them. */
export function useTrainedModel(): Trained {
  const trained: Trained = { folder: "", base: "", model: "", output: "" };

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "finetag-cli-"));
    const base = await writeTinyModel(join(folder, "base"));
    await writeTinyCsv(join(folder, "train.csv"), tinyRows(160, 1));
    await writeTinyCsv(join(folder, "dev.csv"), tinyRows(40, 2));
    await writeTinyCsv(join(folder, "test.csv"), tinyRows(40, 3));
    await writeFile(join(folder, "classes.txt"), LABELS.join("\n"));
    const model = join(folder, "out");
    // Ten steps an epoch learn little; what there is should not hang on the luck of a seed.
    const steady = ["--dropout", "0", "--no-group-by-length"];
    const run = await finetag(trainArgs({ folder, base }, model, ...QUICK.with(1, "12"), ...steady));
    expect(run).toMatchObject({ code: 0 });
    Object.assign(trained, { folder, base, model, output: run.stdout });
  });
  afterAll(() => rm(trained.folder, { recursive: true, force: true }));

  return trained;
}
