import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openWeights } from "../../../src/weights/index.ts";
import { openTensorflow } from "../../../src/weights/tensorflow/read.ts";
import { folder as dir, folderForEach } from "../../folder.ts";
import { readAll } from "../tensors.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/tensorflow", import.meta.url));

folderForEach();

const open = (name: string) => openTensorflow(join(FIXTURES, name));

/** As the generator has them, kernels turned, by the names of transformers. */
const DTYPES: Record<string, { dtype: string; shape: number[]; values: number[] }> = {
  "bert.embeddings.word_embeddings.weight": {
    dtype: "F32",
    shape: [2, 3],
    values: [0, -0, 1, -2.5, 2 ** -149, Infinity],
  },
  "bert.pooler.dense.bias": {
    dtype: "F16",
    shape: [8],
    values: [0, -0, 1, -2.5, 2 ** -24, 65504, Infinity, -Infinity],
  },
  "bert.embeddings.LayerNorm.bias": {
    dtype: "BF16",
    shape: [8],
    values: [0, -0, 1, -2.5, 3.140625, 2 ** -126, Infinity, -Infinity],
  },
  "bert.embeddings.LayerNorm.weight": {
    dtype: "F64",
    shape: [3],
    values: [Math.fround(0.1), -Infinity, 1],
  },
  "bert.encoder.layer.11.output.dense.weight": { dtype: "BF16", shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
  "bert.encoder.layer.11.intermediate.dense.weight": {
    dtype: "F16",
    shape: [2, 3],
    values: [1, 3, 5, 2, 4, 6],
  },
  "bert.pooler.dense.weight": { dtype: "F32", shape: [3, 2], values: [1, 4, 2, 5, 3, 6] },
  "classifier.weight": { dtype: "F32", shape: [2, 3], values: [1, 2, 3, 4, 5, 6] },
  "classifier.bias": { dtype: "F32", shape: [0], values: [] },
  scalar: { dtype: "F32", shape: [], values: [7] },
};

describe("a checkpoint", () => {
  it.each(["dtypes.ckpt", "snappy.ckpt"])(
    "%s gives each dtype, without optimizer state and texts",
    async (name) => {
      const file = await open(name);
      const entries = file.entries();
      expect(entries.map((entry) => entry.name).sort()).toEqual(
        [...Object.keys(DTYPES), "position_ids"].sort(),
      );
      for (const { name: tensor, dtype, shape } of entries) {
        if (tensor === "position_ids") continue;
        const { values, ...expected } = DTYPES[tensor]!;
        expect({ dtype, shape }, tensor).toEqual(expected);
        expect([...(await file.read(tensor))], tensor).toEqual(values);
      }
      expect(entries.find((entry) => entry.name === "bert.pooler.dense.weight")?.source).toBe(
        "bert/pooler/dense/kernel",
      );
      await expect(file.read("position_ids")).rejects.toMatchObject({
        message: `${join(FIXTURES, name)}: tensor "position_ids" is I32, not a float; save the model as F32, F16 or BF16`,
      });
      await expect(file.read("toString")).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
      await file.close();
      await file.close();
    },
  );

  it("is the newest one of a folder that Saver left, wherever the folder was", async () => {
    const file = await openWeights(join(FIXTURES, "trained"));
    expect(file.files.map(({ path }) => path)).toEqual([
      join(FIXTURES, "trained/model.ckpt-2.index"),
      join(FIXTURES, "trained/model.ckpt-2.data-00000-of-00001"),
    ]);
    expect(await readAll(file)).toEqual({
      "bert.pooler.dense.weight": [0, 3, 1, 4, 2, 5],
      "bert.pooler.dense.bias": [0.5, 1.5, 2.5],
    });
  });

  it("of TensorFlow 2's Checkpoint has the names that the program gave", async () => {
    expect(await readAll(await open("objects.ckpt"))).toEqual({
      "a.b/c": [3],
      "bert.pooler.dense.bias": [1, 2],
    });
  });
});

describe("a checkpoint that cannot be read", () => {
  it.each([
    [
      "partitioned.ckpt",
      'variable "bert/embeddings/word_embeddings" is stored in parts (a partitioned variable), which finetag does not read; save the checkpoint again without a partitioner',
    ],
    [
      "others.ckpt",
      "none of its 1 variables has a name of Google's BERT or ALBERT code (the first is \"resnet/conv1/kernel\"); use the checkpoint of such a model, or a model in Hugging Face's format",
    ],
    [
      "brightmart.ckpt",
      "the checkpoint is brightmart's ALBERT, whose embeddings differ from those of every ALBERT of transformers; finetag " +
        'does not read it (variable "bert/embeddings/word_embeddings_2"); use one of the Chinese ALBERTs in Google\'s form ' +
        "(albert_…_google_zh), or a model in Hugging Face's format",
    ],
    [
      "garden.ckpt",
      "the checkpoint is of a Keras model, such as those of TensorFlow's Model Garden, whose names finetag does not read (variable " +
        '"model/layer_with_weights-0/embeddings"); use the same model as a TensorFlow 1 checkpoint, or in Hugging Face\'s format',
    ],
  ])("%s", async (name, message) => {
    await expect(open(name)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${join(FIXTURES, name)}.index: ${message}`,
    });
  });

  it("lacks a data file", async () => {
    await copyFile(join(FIXTURES, "dtypes.ckpt.index"), join(dir, "bert_model.ckpt.index"));
    await expect(openWeights(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${join(dir, "bert_model.ckpt.data-00000-of-00001")}: this data file of the checkpoint is missing; copy all of its files`,
    });
  });

  it("has other data than its checksums say", async () => {
    const data = await readFile(join(FIXTURES, "trained/model.ckpt-2.data-00000-of-00001"));
    await copyFile(join(FIXTURES, "trained/model.ckpt-2.index"), join(dir, "a.index"));
    const path = join(dir, "a.data-00000-of-00001");
    let refused = 0;
    for (let at = 0; at < data.byteLength; at++) {
      await writeFile(
        path,
        data.map((byte, i) => (i === at ? byte ^ 0x10 : byte)),
      );
      const file = await openTensorflow(join(dir, "a"));
      for (const { name, source } of file.entries()) {
        const error = await file.read(name).then(
          () => undefined,
          (thrown) => thrown,
        );
        if (error === undefined) continue;
        refused++;
        expect(error).toMatchObject({
          code: "ERR_FINETAG_MODEL",
          message: `${path}: the checksum of variable "${source}" is wrong; the file is damaged, fetch or save it again`,
        });
      }
      await file.close();
    }
    expect(refused).toBe(4 * (6 + 3)); // once for each byte of a weight; the rest is Adam's
  });
});
