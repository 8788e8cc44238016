/**
 * TensorFlow 1, trained by `finetag train`, saved: what transformers gave for such a directory, finetag gives, and what
 * it writes today is the same in all but the values of the weights. Golden: golden/, made by generate.py. No Python.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWeights } from "../../../packages/ts-api/src/weights/index.ts";
import { expectEqual, FORMATS, HERE, logitsOf, train } from "./training.ts";

const GOLDEN = join(HERE, "golden");
/** What a run leaves next to the model. */
const OF_THE_RUN = ["checkpoints", "metrics.json", "runs", "history.jsonl"];

const golden = JSON.parse(await readFile(join(GOLDEN, "golden.json"), "utf8")) as Record<
  string,
  { labels: string[]; logits: number[][] }
>;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-saved-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const readJson = async (directory: string, name: string) =>
  JSON.parse(await readFile(join(directory, name), "utf8"));

async function tensorsOf(directory: string) {
  const file = await openWeights(directory);
  const entries = file.entries().map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  await file.close();
  return { entries, metadata: file.metadata };
}

/** With the keys alone of what differs from run to run. */
async function finetagJsonOf(directory: string) {
  const { arguments: given, versions, ...rest } = await readJson(directory, "finetag.json");
  return { ...rest, arguments: Object.keys(given), versions: Object.keys(versions) };
}

test.each(Object.keys(golden))("%s: the logits of the saved directory are transformers'", async (name) => {
  const { labels, logits } = golden[name]!;
  const { id2label } = await readJson(join(GOLDEN, name), "config.json");
  expect(Object.values(id2label)).toEqual(labels);
  expectEqual(await logitsOf(join(GOLDEN, name)), logits);
});

test.each(Object.keys(golden))("%s: what is saved today has the same form", async (name) => {
  const [before, today] = [join(GOLDEN, name), join(folder, name)];
  await train(join(FORMATS, name), today);
  const files = (await readdir(before)).sort();
  expect((await readdir(today)).filter((file) => !OF_THE_RUN.includes(file)).sort()).toEqual(files);
  expect(await tensorsOf(today)).toEqual(await tensorsOf(before));
  // Keys stay; an option that is new since then adds one.
  const { arguments: options, ...rest } = await finetagJsonOf(today);
  const { arguments: olderOptions, ...olderRest } = await finetagJsonOf(before);
  expect(rest).toEqual(olderRest);
  expect(options).toEqual(expect.arrayContaining(olderOptions));
  const others = files.filter((file) => !["model.safetensors", "finetag.json"].includes(file));
  for (const file of others) {
    expect(await readFile(join(today, file), "utf8"), file).toBe(await readFile(join(before, file), "utf8"));
  }
});
