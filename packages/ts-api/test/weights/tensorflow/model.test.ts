/** Whole models in TensorFlow's checkpoints, through what the package offers. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Classifier, convertModel, inspectModel } from "../../../src/index.ts";
import { openWeights } from "../../../src/weights/index.ts";
import { folder as dir, folderForAll } from "../../folder.ts";
import { writeTinyModel } from "../../training/tiny.ts";
import { readAll } from "../tensors.ts";
import { type Entry, HEADER, tableOf, varint } from "./table.ts";

folderForAll();

describe("a checkpoint of the heads of pretraining alone", () => {
  it("is refused by what it has", async () => {
    const folder = await writeTinyModel(join(dir, "heads"));
    await rm(join(folder, "model.safetensors"));
    const names = ["cls/predictions/output_bias", "cls/predictions/transform/dense/bias", "global_step"];
    const entries = names.map(
      (name, i): Entry => [0, name, [8, 1, 18, 4, 18, 2, 8, 2, 32, ...varint(8 * i), 40, 8]],
    );
    await writeFile(join(folder, "bert_model.ckpt.index"), tableOf([HEADER, ...entries]));
    await writeFile(join(folder, "bert_model.ckpt.data-00000-of-00001"), new Uint8Array(8 * names.length));
    const refusal = {
      code: "ERR_FINETAG_MODEL",
      message:
        `${join(folder, "bert_model.ckpt.index")}: it has variables of heads (the first is "cls/predictions/output_bias"), but ` +
        "none of an encoder; use the checkpoint that has the encoder (bert/…) as well, or a model in Hugging Face's format",
    };
    await expect(inspectModel(folder)).rejects.toMatchObject(refusal);
    await expect(Classifier.fromPretrained(folder, { labels: ["a"] })).rejects.toMatchObject(refusal);
    await expect(convertModel(folder, join(dir, "heads-converted"))).rejects.toMatchObject(refusal);
  });
});

describe("a checkpoint of a model that was built in a scope", () => {
  const BARE = ["bert/embeddings/word_embeddings", "bert/pooler/dense/bias", "output_bias"];

  const openScopes = (...scopes: string[]) =>
    open(scopes.flatMap((scope) => BARE.map((name) => scope + name)));

  async function open(names: string[]) {
    const folder = await mkdtemp(join(dir, "scope-"));
    const entries = ["global_step", ...names]
      .sort()
      .map((name, i): Entry => [0, name, [8, 1, 18, 4, 18, 2, 8, 2, 32, ...varint(8 * i), 40, 8]]);
    await writeFile(join(folder, "bert_model.ckpt.index"), tableOf([HEADER, ...entries]));
    await writeFile(join(folder, "bert_model.ckpt.data-00000-of-00001"), new Uint8Array(8 * entries.length));
    const file = await openWeights(folder);
    await file.close();
    return file
      .entries()
      .map(({ name }) => name)
      .sort();
  }

  const NAMES = ["bert.embeddings.word_embeddings.weight", "bert.pooler.dense.bias", "classifier.bias"];

  it("has the names of one without", async () => {
    expect(await openScopes("")).toEqual(NAMES);
    expect(await openScopes("model/")).toEqual(NAMES);
    expect(await openScopes("a/b/")).toEqual(NAMES);
  });

  it("may have its head next to the scope, unless there is one in it", async () => {
    const encoder = BARE.slice(0, 2).map((name) => `model/${name}`);
    expect(await open([...encoder, "output_bias"])).toEqual(NAMES);
    expect(await open([...encoder, "model/output_bias", "output_bias"])).toEqual([...NAMES, "output_bias"]);
  });

  it("is the one without a scope, where there are others", async () => {
    const teacher = BARE.map((name) => `teacher/${name}`);
    expect(await openScopes("", "teacher/")).toEqual([...NAMES, ...teacher].sort());
  });

  it("is refused where there are several", async () => {
    await expect(openScopes("tower0/", "tower1/")).rejects.toThrow(
      "has a name of Google's BERT or ALBERT code",
    );
  });
});

describe("a real checkpoint, of keras-bert's tests", () => {
  const shared =
    process.env.FINETAG_SHARED_DATA ??
    fileURLToPath(new URL("../../../../../../shared/data", import.meta.url));
  const folder = join(shared, "tf1-tiny-bert-checkpoint");

  it("is inspected, converted, opened and used", async ({ skip }) => {
    const index = await readFile(join(folder, "bert_model.ckpt.index")).catch(() => undefined);
    skip(index === undefined, `no tf1-tiny-bert-checkpoint in ${shared} (set FINETAG_SHARED_DATA)`);
    const summary = await inspectModel(folder);
    expect(summary).toMatchObject({
      family: "bert",
      layers: 2,
      hiddenSize: 4,
      format: "TensorFlow checkpoint",
      dtypes: { F32: 46 },
      hasHead: false,
      notFiniteTensors: [],
    });
    expect(summary.tensors.every(({ source, name }) => source !== name)).toBe(true);
    const kernel = summary.tensors.find(
      ({ name }) => name === "bert.encoder.layer.1.intermediate.dense.weight",
    );
    expect(kernel?.shape).toEqual([16, 4]);
    expect(summary.unusedTensors.every((name) => name.startsWith("cls."))).toBe(true);

    const converted = join(dir, "converted");
    expect(await convertModel(folder, converted)).toMatchObject({
      architecture: "BertForPreTraining",
      tensors: 46,
      left: [],
    });
    const tensors = await readAll(await openWeights(folder));
    expect(await readAll(await openWeights(converted))).toEqual(tensors);

    const options = { labels: ["x", "y"], threads: 1 };
    await using original = await Classifier.fromPretrained(folder, options);
    await using same = await Classifier.fromPretrained(converted, options);
    const [one, other] = await original.predict(["all work and no play", "makes jack a dull boy"]);
    expect(await same.predict([one!.text, other!.text])).toEqual([one, other]);
    expect(one!.probabilities).not.toEqual(other!.probabilities);
    for (const value of Object.values(one!.probabilities)) {
      expect(value).toBeGreaterThan(0);
      expect(value).toBeLessThan(1);
    }
  });
});
