/** Weights that are no numbers: every way to open them says so, by the tensor's name. */
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Classifier, convertModel, inspectModel, trainRun } from "../../src/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder, folderForAll } from "../folder.ts";
import { LABELS, tinyRows, writeTinyCsv, writeTinyModel } from "../training/tiny.ts";
import { writeSafetensors } from "../weights/write.ts";

folderForAll();

/** A tiny encoder, one value of which is another. */
async function writePoisoned(tensor: string, index: number, value: number): Promise<string> {
  const directory = await writeTinyModel(await mkdtemp(join(folder, "model-")));
  const file = await openWeights(directory);
  const tensors = await Promise.all(
    file.entries().map(async ({ name, shape }) => {
      const data = await file.read(name);
      if (name === tensor) data[data.length + index] = value;
      return { name, shape, read: async () => data };
    }),
  );
  await file.close();
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  return directory;
}

const QUERY = "encoder.layer.1.attention.self.query.weight";

it.each([
  ["embeddings.word_embeddings.weight", -1, Number.NaN],
  [QUERY, -7, Number.POSITIVE_INFINITY],
  ["pooler.dense.bias", -3, Number.NEGATIVE_INFINITY],
])("%s", async (tensor, index, value) => {
  const directory = await writePoisoned(tensor, index, value);
  const refused = {
    code: "ERR_FINETAG_MODEL",
    message:
      `${directory}: tensor "${tensor}" of the weights has NaN or infinite values: the training that saved ` +
      "it diverged, or the file is damaged; use an earlier checkpoint, or fetch the model again",
  };
  await expect(Classifier.fromPretrained(directory, { labels: LABELS })).rejects.toMatchObject(refused);
  const train = await writeTinyCsv(join(folder, "train.csv"), tinyRows(8, 1));
  const outputDir = join(folder, "out");
  const run = async () => {
    for await (const _ of trainRun({ model: directory, train, outputDir })) {
      // Not reached.
    }
  };
  await expect(run()).rejects.toMatchObject(refused);
  await expect(convertModel(directory, join(directory, "converted"))).rejects.toMatchObject(refused);
  expect((await inspectModel(directory)).notFiniteTensors).toEqual([tensor]);
});

it("the largest numbers are fine", async () => {
  const directory = await writePoisoned(QUERY, -1, -3.4028234663852886e38);
  await using classifier = await Classifier.fromPretrained(directory, { labels: LABELS });
  expect(classifier.labels).toEqual(LABELS);
  expect((await inspectModel(directory)).notFiniteTensors).toEqual([]);
});
