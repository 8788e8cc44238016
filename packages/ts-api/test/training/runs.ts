/** Runs of a tiny model on tiny files, for tests of `trainRun`. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { TrainOptions } from "../../src/options/schema.ts";
import type { TrainEvent } from "../../src/report/index.ts";
import { type RunContext, trainRun } from "../../src/training/pipeline/run.ts";
import { tinyRows, writeTinyCsv, writeTinyModel } from "./tiny.ts";

export interface TinyRuns {
  folder: string;
  base: Omit<TrainOptions, "outputDir">;
  /** The output directory of this test's runs; not there yet. */
  out: string;
  run(changes?: Partial<TrainOptions>, context?: RunContext): Promise<TrainEvent[]>;
  /** Runs until `when`, then aborts. */
  abort(changes: Partial<TrainOptions>, when: (event: TrainEvent) => boolean): Promise<TrainEvent[]>;
  weights(directory?: string): Promise<Buffer>;
  metrics(directory?: string): Promise<Record<string, Record<string, unknown>>>;
}

/** Sets up the files for a test file's runs; read the fields within a test. */
export function setUpRuns(name: string): TinyRuns {
  let count = 0;
  const runs: TinyRuns = {
    folder: "",
    base: { model: "" },
    out: "",
    async run(changes = {}, context = {}) {
      const events: TrainEvent[] = [];
      const options = { ...runs.base, outputDir: runs.out, ...changes };
      for await (const event of trainRun(options, context)) events.push(event);
      return events;
    },
    async abort(changes, when) {
      const controller = new AbortController();
      const events: TrainEvent[] = [];
      const options = { ...runs.base, outputDir: runs.out, ...changes };
      for await (const event of trainRun(options, { signal: controller.signal })) {
        events.push(event);
        if (when(event)) controller.abort();
      }
      return events;
    },
    weights: (directory = runs.out) => readFile(join(directory, "model.safetensors")),
    metrics: async (directory = runs.out) =>
      JSON.parse(await readFile(join(directory, "metrics.json"), "utf8")),
  };
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), `finetag-${name}-`));
    runs.folder = folder;
    runs.base = {
      model: await writeTinyModel(join(folder, "model")),
      train: await writeTinyCsv(join(folder, "train.csv"), tinyRows(300, 1)),
      dev: await writeTinyCsv(join(folder, "dev.csv"), tinyRows(80, 2)),
      test: await writeTinyCsv(join(folder, "test.csv"), tinyRows(80, 3)),
      learningRate: 5e-3,
      epochs: 3,
      batchSize: 16,
      threads: 1,
      tensorboard: false,
      tokenCache: false,
    };
  });
  afterAll(() => rm(runs.folder, { recursive: true }));
  beforeEach(() => {
    runs.out = join(runs.folder, `out-${count++}`);
  });
  return runs;
}

/** The events of one type. */
export function only<T extends TrainEvent["type"]>(events: TrainEvent[], type: T) {
  return events.filter((event): event is Extract<TrainEvent, { type: T }> => event.type === type);
}

/** Metrics without what depends on the machine's speed and memory. */
export function timeless({ train, ...splits }: Record<string, Record<string, unknown>>) {
  const { samples_per_second, tokens_per_second, seconds, total_seconds, peak_rss_mb, ...rest } = train!;
  return { train: rest, ...splits };
}
