/** A training program's checkpoint as a model directory. */
import { copyFile, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { Classifier, convertModel, inspectModel } from "../../src/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder, folderForAll } from "../folder.ts";
import { readAll } from "../weights/tensors.ts";

const FIXTURE = fileURLToPath(new URL("../weights/fixtures/pytorch/lightning.ckpt", import.meta.url));
const CONFIG = {
  model_type: "bert",
  vocab_size: 8,
  hidden_size: 4,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 6,
  max_position_embeddings: 8,
  id2label: { 0: "a", 1: "b" },
};

folderForAll();

let source: string;

beforeAll(async () => {
  source = await mkdtemp(join(folder, "lightning-"));
  await writeFile(join(source, "config.json"), JSON.stringify(CONFIG));
  await writeFile(join(source, "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nfox\njumps\n");
  await copyFile(FIXTURE, join(source, "epoch=1-step=10.ckpt"));
});

it("of PyTorch Lightning is the model in it", async () => {
  expect(await inspectModel(source)).toMatchObject({
    prefix: "state_dict.model.",
    loadedTensors: 25,
    freshParameters: [],
    unusedTensors: ["state_dict.loss.pos_weight"],
    labels: ["a", "b"],
  });
  const directory = join(folder, "converted");
  expect(await convertModel(source, directory)).toMatchObject({
    tensors: 25,
    left: ["state_dict.loss.pos_weight"],
  });
  const tensors = await readAll(await openWeights(source));
  delete tensors["state_dict.loss.pos_weight"];
  const named = Object.entries(tensors).map(([name, data]) => [name.replace("state_dict.model.", ""), data]);
  expect(await readAll(await openWeights(directory))).toEqual(Object.fromEntries(named));
  const predictions = [source, directory].map(async (model) => {
    await using classifier = await Classifier.fromPretrained(model, { device: "cpu" });
    expect(classifier.freshParameters).toEqual([]);
    return await classifier.predict("the fox jumps");
  });
  const [before, after] = await Promise.all(predictions);
  expect(before).toEqual(after);
});
