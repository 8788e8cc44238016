/**
 * Families that are not BERT, from the command line: an ALBERT, whose layers share weights and whose embeddings are
 * narrower, and a RoBERTa with its byte-level BPE.
 */
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyFamily } from "../../packages/ts-api/test/training/family.ts";
import { tinyRows, writeTinyCsv } from "../../packages/ts-api/test/training/tiny.ts";
import { finetag } from "./program.ts";

const BYTE_LEVEL = fileURLToPath(new URL("../parity/tokens/golden/roberta-base", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-families-"));
});
afterAll(() => rm(folder, { recursive: true }));

function writeAlbert(): Promise<string> {
  return writeTinyFamily(join(folder, "albert"), {
    model_type: "albert",
    tokenizer_class: "BertTokenizer",
    embedding_size: 16,
    num_hidden_layers: 3,
    num_hidden_groups: 1,
  });
}

async function writeRoberta(): Promise<string> {
  const vocabulary = JSON.parse(await readFile(join(BYTE_LEVEL, "vocab.json"), "utf8"));
  const model = await writeTinyFamily(join(folder, "roberta"), {
    model_type: "roberta",
    vocab_size: Object.keys(vocabulary).length,
    max_position_embeddings: 66,
    type_vocab_size: 1,
    pad_token_id: 1,
  });
  for (const name of ["vocab.json", "merges.txt"]) await copyFile(join(BYTE_LEVEL, name), join(model, name));
  for (const name of ["vocab.txt", "tokenizer_config.json"]) await rm(join(model, name));
  return model;
}

const FAMILIES: [string, () => Promise<string>, { config: object; files: string[] }][] = [
  [
    "albert",
    writeAlbert,
    {
      config: { num_hidden_groups: 1, architectures: ["AlbertForSequenceClassification"] },
      files: ["vocab.txt"],
    },
  ],
  [
    "roberta",
    writeRoberta,
    { config: { architectures: ["RobertaForSequenceClassification"] }, files: ["vocab.json", "merges.txt"] },
  ],
];

test.each(FAMILIES)("%s: inspected, trained, evaluated and asked", async (family, write, saved) => {
  const model = await write();
  const inspected = await finetag(["inspect", model]);
  expect(inspected.stdout).toMatch(new RegExp(`^family +${family}$`, "m"));

  const train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(400, 1));
  const dev = await writeTinyCsv(join(folder, "dev.csv"), tinyRows(60, 2));
  const out = join(folder, `${family}-run`);
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
  expect(config).toMatchObject(saved.config);
  expect(await readdir(out)).toEqual(expect.arrayContaining(saved.files));
});
