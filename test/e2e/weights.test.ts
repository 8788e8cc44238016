/** What train and inspect say of weights that are missing from a file, or that the model has no place for. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWeights } from "../../packages/ts-api/src/weights/index.ts";
import { tinyRows, writeTinyCsv, writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { writeSafetensors } from "../../packages/ts-api/test/weights/write.ts";
import { finetag } from "./program.ts";

let folder: string;
let train: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-weights-"));
  train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(16, 1));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A tiny encoder, without those of its tensors whose names begin so, and with others of these shapes. */
async function writeModel(
  name: string,
  without: string,
  others: Record<string, number[]>,
  config: object = {},
): Promise<string> {
  const directory = await writeTinyModel(join(folder, name), config);
  const file = await openWeights(directory);
  const tensors = await Promise.all(
    file
      .entries()
      .filter((entry) => !entry.name.startsWith(without))
      .map(async (entry) => {
        const data = await file.read(entry.name);
        return { name: entry.name, shape: entry.shape, read: async () => data };
      }),
  );
  await file.close();
  const more = Object.entries(others).map(([other, shape]) => ({
    name: other,
    shape,
    read: async () => new Float32Array(shape.reduce((product, size) => product * size, 1)),
  }));
  await writeSafetensors(join(directory, "model.safetensors"), [...tensors, ...more]);
  return directory;
}

async function shown(directory: string): Promise<{ train: string; inspect: string; trained: string }> {
  const out = `${directory}-out`;
  const options = ["--output-dir", out, "--epochs", "1", "--batch-size", "16", "--threads", "1"];
  const run = await finetag(["train", "--model", directory, "--train", train, ...options]);
  expect(run).toMatchObject({ code: 0 });
  const [inspected, trained] = [await finetag(["inspect", directory]), await finetag(["inspect", out])];
  expect([inspected.code, trained.code]).toEqual([0, 0]);
  return { train: run.stdout, inspect: inspected.stdout, trained: trained.stdout };
}

test("a bare encoder gets a head, and all of it is used", async () => {
  const { train: run, inspect, trained } = await shown(await writeModel("bare", "none", {}));
  expect(run).toMatch(/^weights: 39 tensors loaded \(safetensors\)$/m);
  expect(run).toMatch(/^new weights: classifier\.weight, classifier\.bias$/m);
  expect(run).not.toContain("not used:");
  expect(inspect).toMatch(/^tensors +39 loaded$/m);
  expect(inspect).toMatch(/^new weights +classifier\.weight, classifier\.bias$/m);
  expect(inspect).toMatch(/^not used +none$/m);
  expect(trained).toMatch(/^tensors +41 loaded$/m);
  expect(trained).toMatch(/^new weights +none$/m);
  expect(trained).toMatch(/^not used +none$/m);
});

test("what a file's names hold besides letters is written out", async () => {
  const { train: run, inspect } = await shown(
    await writeModel("escapes", "none", { "cls.\u001b[31mred\nrow": [1] }),
  );
  const unused = "cls\\.\\\\u001b\\[31mred\\\\u000arow";
  expect(run).toMatch(new RegExp(`^not used: ${unused}$`, "m"));
  expect(inspect).toMatch(new RegExp(`^not used +${unused}$`, "m"));
});

test("a missing pooler is initialised, and tensors that the model does not use are named", async () => {
  const others = { "cls.predictions.bias": [7], "embeddings.position_ids": [1, 64] };
  const { train: run, inspect, trained } = await shown(await writeModel("odd", "pooler.", others));
  const fresh =
    "bert\\.pooler\\.dense\\.weight, bert\\.pooler\\.dense\\.bias, classifier\\.weight, classifier\\.bias";
  const unused = "cls\\.predictions\\.bias, embeddings\\.position_ids";
  expect(run).toMatch(/^weights: 37 tensors loaded \(safetensors\)$/m);
  expect(run).toMatch(new RegExp(`^new weights: ${fresh}$`, "m"));
  expect(run).toMatch(new RegExp(`^not used: ${unused}$`, "m"));
  expect(inspect).toMatch(/^tensors +37 loaded$/m);
  expect(inspect).toMatch(new RegExp(`^new weights +${fresh}$`, "m"));
  expect(inspect).toMatch(new RegExp(`^not used +${unused}$`, "m"));
  expect(trained).toMatch(/^new weights +none$/m);
  expect(trained).toMatch(/^not used +none$/m);
});

test("a head of another size than the config's is reported, and only replaced when that is asked for", async () => {
  const others = { "classifier.weight": [4, 32], "classifier.bias": [4] };
  const config = { architectures: ["BertForSequenceClassification"], num_labels: 3 };
  const directory = await writeModel("strange", "none", others, config);
  const { stdout } = await finetag(["inspect", directory]);
  expect(stdout).toMatch(
    /^head +4 labels, but the config has another number; train --new-head replaces it$/m,
  );
  const args = ["train", "--model", directory, "--train", train, "--output-dir", join(folder, "replaced")];
  const refused = await finetag(args);
  expect(refused.code).toBe(2);
  expect(refused.stderr.trimEnd().split("\n").at(-1)).toBe(
    `finetag: ${directory}: its classification head has 4 labels, but its config.json names 3; use the config.json that ` +
      "belongs to the weights, or train with --new-head to replace the head",
  );
  const run = await finetag([...args, "--new-head", "--epochs", "1", "--threads", "1"]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/^new weights: classifier\.weight, classifier\.bias$/m);
  expect(run.stdout).toMatch(/^not used: classifier\.weight, classifier\.bias$/m);
});

test("a head that is replaced though it fits is not used", async () => {
  const others = { "classifier.weight": [3, 32], "classifier.bias": [3] };
  const config = { architectures: ["BertForSequenceClassification"], num_labels: 3 };
  const directory = await writeModel("fitting", "none", others, config);
  const { train: kept } = await shown(directory);
  expect(kept).toMatch(/^weights: 41 tensors loaded/m);
  expect(kept).not.toMatch(/^(new weights|not used): /m);
  const args = ["--train", train, "--output-dir", join(folder, "anew"), "--epochs", "1", "--threads", "1"];
  const run = await finetag(["train", "--model", directory, "--new-head", ...args]);
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/^weights: 39 tensors loaded/m);
  expect(run.stdout).toMatch(/^new weights: classifier\.weight, classifier\.bias$/m);
  expect(run.stdout).toMatch(/^not used: classifier\.weight, classifier\.bias$/m);
});
