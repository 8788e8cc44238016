/**
 * Every option of a run that is not a number of the engine's (declared-options.test.ts has those) changes what the run
 * does: its events, its error, or what it leaves behind. An option that is declared and has no effect fails here.
 */
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { optionSpecs, type TrainOptions } from "../../src/options/index.ts";
import { trainRun } from "../../src/training/pipeline/index.ts";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../training/tiny.ts";
import { otherValue } from "./other-value.ts";

type Changes = Partial<TrainOptions>;

interface Case {
  /** What both runs have besides the common options. */
  both?: Changes;
  /** Any other valid value unless given. */
  value?: unknown;
  /** Both runs find the output directory of an earlier run. */
  again?: true;
}

let folder: string;
let common: TrainOptions;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-effects-"));
  const rows = tinyRows(24, 1);
  await writeTinyModel(path("model"));
  await writeTinyModel(path("smaller"), { num_hidden_layers: 1 });
  await writeTinyCsv(path("train.csv"), rows);
  await writeTinyCsv(path("dev.csv"), tinyRows(12, 2));
  await writeTinyCsv(path("fewer.csv"), tinyRows(11, 3));
  await cp(path("train.csv"), path("data/train.csv"), { recursive: true });
  await cp(path("fewer.csv"), path("others/train.csv"), { recursive: true });
  const lines = (await readFile(path("train.csv"), "utf8")).replace(/^(?!text)([^,\n]+),/gm, '"$1",');
  await writeFile(path("quoted.csv"), lines);
  await writeFile(path("labels.txt"), `${[...LABELS].reverse().join("\n")}\n`);
  const listed = rows.map(({ text, labels }) => JSON.stringify({ text, labels: labels.join(",") }));
  await writeFile(path("listed.jsonl"), `${listed.join("\n")}\n`);
  common = {
    model: path("model"),
    train: path("train.csv"),
    dev: path("dev.csv"),
    outputDir: "",
    batchSize: 4,
    maxSteps: 3,
    learningRate: 1e-3,
    threads: 1,
    device: "cpu",
    tensorboard: false,
    tokenCache: false,
  };
  for await (const _ of trainRun({ ...common, outputDir: path("trained") }));
});
afterAll(() => rm(folder, { recursive: true }));

/** Where the run of a tiny model needs more than another value of the option to show what it does. */
function caseOf(key: string): Case {
  const cases: Record<string, Case> = {
    model: { value: path("smaller") },
    newHead: { both: { model: path("trained") } },
    maxLength: { value: 4 },
    threshold: { value: 0.9, both: { headBias: "frequency" } },
    offline: { both: { model: "acme/tiny" } },
    train: { value: path("fewer.csv") },
    dev: { value: path("fewer.csv") },
    test: { value: path("fewer.csv") },
    dataDir: { both: { train: undefined, dataDir: path("data") }, value: path("others") },
    devSplit: { both: { dev: undefined } },
    format: { value: "tsv" },
    encoding: { value: "utf-16le" },
    delimiter: { value: ";" },
    quoted: { both: { train: path("quoted.csv") }, value: false },
    labelColumns: { value: ["joy"] },
    labelSeparator: {
      both: { train: path("listed.jsonl"), dev: undefined, labelsColumn: "labels" },
      value: ";",
    },
    labelValues: {
      both: { train: path("listed.jsonl"), dev: undefined, labelsColumn: "labels" },
      value: "flags",
    },
    labels: { value: path("labels.txt") },
    saveEvery: { value: 1 },
    evalEvery: { value: 1 },
    bestMetric: { value: "macro_f1" },
    keepCheckpoints: { both: { saveEvery: 1 }, value: 1 },
    earlyStopping: { both: { evalEvery: 1, learningRate: 1e-12, maxSteps: 6 }, value: 1 },
    resume: { again: true },
    overwrite: { again: true },
    logEvery: { both: { tensorboard: true }, value: 1 },
  };
  return cases[key] ?? {};
}

const outcomes = new Map<string, ReturnType<typeof outcomeOf>>();

/** Most options are compared with the same run. */
function firstOutcomeOf(changes: Changes, again: boolean): ReturnType<typeof outcomeOf> {
  const key = JSON.stringify([changes, Object.keys(changes), again]);
  const outcome = outcomes.get(key) ?? outcomeOf(changes, again);
  outcomes.set(key, outcome);
  return outcome;
}

/** All that shows of a run but times, and the record of its options. */
async function outcomeOf(changes: Changes, again: boolean) {
  const place = await mkdtemp(path("run-"));
  vi.stubEnv("FINETAG_CACHE", join(place, "cache"));
  const neutral = (text: string) => text.replaceAll(place, "PLACE");
  try {
    const run = (given: Changes) =>
      trainRun({ ...common, ...given, outputDir: join(place, given.outputDir ?? "out") });
    if (again) for await (const _ of run({}));
    const events: string[] = [];
    let error: string | undefined;
    try {
      for await (const event of run(changes)) {
        // The start event repeats the options themselves, which is no effect.
        const text = JSON.stringify(event, (name, value) =>
          /second|^options$/i.test(name) ? undefined : value,
        );
        events.push(neutral(text.replace(/"peak_rss_mb":[\d.]+/, "")));
      }
    } catch (thrown) {
      error = neutral((thrown as Error).message);
    }
    return { events, error, files: await filesOf(place) };
  } finally {
    vi.unstubAllEnvs();
    await rm(place, { recursive: true });
  }
}

async function filesOf(place: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const names = await readdir(place, { recursive: true });
  for (const name of names.sort()) {
    const file = join(place, name);
    if (!(await stat(file)).isFile()) continue;
    if (name.endsWith("finetag.json"))
      files[name] = JSON.stringify(JSON.parse(await readFile(file, "utf8")).columns);
    else if (name.includes("tfevents")) files["events of TensorBoard"] = String((await stat(file)).size);
    else if (name.endsWith(".safetensors"))
      files[name] = createHash("sha256")
        .update(await readFile(file))
        .digest("hex");
    else files[name] = "";
  }
  return files;
}

const NUMBERS_OF_THE_ENGINE = ["optimizer", "plan", "loss"];
const keys = Object.entries(optionSpecs)
  .filter(([, { usedBy }]) => usedBy.some((user) => !NUMBERS_OF_THE_ENGINE.includes(user)))
  .map(([key]) => key);

it("the same options give the same outcome", async () => {
  expect(await outcomeOf({}, false)).toEqual(await outcomeOf({}, false));
});

it.each(keys)("%s changes what a run does", async (key) => {
  const { both = {}, again = false, ...given } = caseOf(key);
  const before = (both as Record<string, unknown>)[key] ?? (common as Record<string, unknown>)[key];
  const value = given.value ?? otherValue(key, before);
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9"); // nobody listens there
  const [one, other] = [await firstOutcomeOf(both, again), await outcomeOf({ ...both, [key]: value }, again)];
  expect(other, `${key}: nothing shows of it; if it needs other data to show, say so in caseOf`).not.toEqual(
    one,
  );
});
