/** The commands that bring, show and turn models: pull, inspect, convert. */
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";
import { FINETAG, finetag } from "./program.ts";

let folder: string;
let base: string;
let model: string;
let train: string;

/** Options of a run that takes seconds. */
const QUICK = ["--epochs", "1", "--batch-size", "16", "--learning-rate", "3e-3", "--threads", "1"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-models-"));
  base = await writeTinyModel(join(folder, "base"));
  train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(160, 1));
  model = join(folder, "out");
  const run = await finetag(["train", "--model", base, "--train", train, "--output-dir", model, ...QUICK]);
  expect(run).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("pull, inspect, convert", () => {
  test.skipIf(process.platform !== "linux")("a full disk below stdout is one line and exit code 1", () => {
    const command = `"${process.execPath}" "${FINETAG}" pull > /dev/full`;
    const { stderr, status } = spawnSync("bash", ["-c", command], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "finetag: cannot write the output (ENOSPC)\n",
    });
  });

  test("pull without a name lists the catalogue", async () => {
    const { code, stdout } = await finetag(["pull"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^all-MiniLM-L6-v2 +sentence-transformers\/all-MiniLM-L6-v2 +Apache-2\.0/m);
  });

  test("pull of a directory prints it", async () => {
    const { code, stdout } = await finetag(["pull", base]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${base}\n` });
  });

  test("pull offline of what is not there says so", async () => {
    const args = ["pull", "all-MiniLM-L6-v2", "--offline", "--cache-dir", join(folder, "cache")];
    const { code, stdout, stderr } = await finetag(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^finetag: all-MiniLM-L6-v2: not in the cache.*\n$/);
  });

  test("inspect shows a model as a table and as JSON", async () => {
    const { code, stdout } = await finetag(["inspect", model]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^layers +2$/m);
    for (const [index, label] of LABELS.entries())
      expect(stdout).toMatch(new RegExp(`^ {2}${index} +${label}$`, "m"));
    const json = JSON.parse((await finetag(["inspect", model, "--json"])).stdout);
    expect(json).toMatchObject({ family: "bert", layers: 2, labels: LABELS, hasHead: true });
    const bare = await finetag(["inspect", base]);
    expect(bare.stdout).toMatch(/^head +none; training creates one$/m);
  });

  test("a TensorFlow checkpoint is inspected, trained on and converted as it is", async () => {
    const checkpoint = fileURLToPath(new URL("../parity/formats/bert-tf", import.meta.url));
    const { stdout } = await finetag(["inspect", checkpoint, "--tensors"]);
    expect(stdout).toMatch(/^weights +TensorFlow checkpoint, 35\.3 KiB, 48 F32$/m);
    expect(stdout).toMatch(/^output_weights +F32 +\[3, 16\] +classifier\.weight$/m);
    expect(stdout).toMatch(/^cls\/predictions\/output_bias +F32 +\[19\] +not used$/m);

    const out = join(folder, "from-checkpoint");
    const data = ["--train", train, "--output-dir", out, "--max-length", "20"];
    const run = await finetag(["train", "--model", checkpoint, ...data, ...QUICK]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^weights: 41 tensors loaded \(TensorFlow checkpoint\)$/m);
    expect(run.stdout).toMatch(/^not used: cls\.predictions\.bias, /m);
    expect(run.stderr).toContain("the 3 labels of its head have no names");

    const converted = join(folder, "converted");
    const { code, stdout: path, stderr } = await finetag(["convert", checkpoint, converted]);
    expect({ code, path }).toEqual({ code: 0, path: `${converted}\n` });
    expect(stderr).toMatch(
      /^BertForSequenceClassification: 41 tensors from TensorFlow checkpoint\nleft out: cls\./,
    );
    const again = await finetag(["convert", checkpoint, converted]);
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain(
      "it is not empty; give a new folder, or use --force to replace a model in it",
    );
    expect(await finetag(["convert", checkpoint, converted, "--force"])).toMatchObject({ code: 0 });
  });
});
