/** A family that is not BERT, from the command line: its layers share weights, and its embeddings are narrower. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyFamily } from "../../packages/ts-api/test/training/family.ts";
import { tinyRows, writeTinyCsv } from "../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "./program.ts";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-families-"));
  model = await writeTinyFamily(join(folder, "albert"), {
    model_type: "albert",
    tokenizer_class: "BertTokenizer",
    embedding_size: 16,
    num_hidden_layers: 3,
    num_hidden_groups: 1,
  });
});
afterAll(() => rm(folder, { recursive: true }));

test("an ALBERT is inspected, trained, evaluated and asked", async () => {
  const inspected = await finetag(["inspect", model]);
  expect(inspected.stdout).toMatch(/family +albert/);

  const train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(400, 1));
  const dev = await writeTinyCsv(join(folder, "dev.csv"), tinyRows(60, 2));
  const out = join(folder, "run");
  const trained = await finetag([
    ...["train", "--model", model, "--train", train, "--dev", dev, "--output-dir", out, "--threads", "1"],
    ...["--epochs", "16", "--batch-size", "8", "--learning-rate", "2e-3", "--dropout", "0"],
  ]);
  expect(trained).toMatchObject({ code: 0 });

  const evaluated = await finetag(["eval", "--model", out, "--data", dev, "--json"]);
  expect(JSON.parse(evaluated.stdout).micro_f1).toBeGreaterThan(0.9);
  const predicted = await finetag([
    "predict",
    "--model",
    out,
    "this is a very happy day",
    "this is a very mad day",
  ]);
  const [happy, mad] = predicted.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).probabilities);
  expect(happy.joy).toBeGreaterThan(mad.joy);
  expect(mad.anger).toBeGreaterThan(happy.anger);
  const config = JSON.parse(await readFile(join(out, "config.json"), "utf8"));
  expect(config).toMatchObject({ num_hidden_groups: 1, architectures: ["AlbertForSequenceClassification"] });
});
