import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Classifier, convertModel, FinetagError, inspectModel } from "../src/index.ts";
import { countElements, openWeights } from "../src/weights/index.ts";
import { folder, folderForAll } from "./folder.ts";
import { TINY_CONFIG, writeTinyModel } from "./training/tiny.ts";
import { legacy, Pickle } from "./weights/pytorch/pickle.ts";
import { readAll } from "./weights/tensors.ts";
import { writeSafetensors } from "./weights/write.ts";

folderForAll();

let encoder: string;

beforeAll(async () => {
  encoder = await writeTinyModel(join(folder, "encoder"));
});

describe("convertModel", () => {
  it("gives a bare encoder today's names, and keeps the config's architecture", async () => {
    const directory = join(folder, "new");
    const result = await convertModel(encoder, directory);
    expect(result).toEqual({
      directory,
      format: "safetensors",
      architecture: "BertModel",
      tensors: 39,
      left: [],
    });
    const [from, to] = [
      await readAll(await openWeights(encoder)),
      await readAll(await openWeights(directory)),
    ];
    expect(to).toEqual(
      Object.fromEntries(Object.entries(from).map(([name, data]) => [`bert.${name}`, data])),
    );
    expect(JSON.parse(await readFile(join(directory, "config.json"), "utf8"))).toEqual({
      ...JSON.parse(await readFile(join(encoder, "config.json"), "utf8")),
      dtype: "float32",
    });
    const [before, after] = [await inspectModel(encoder), await inspectModel(directory)];
    expect(after).toMatchObject({ loadedTensors: before.loadedTensors, labels: [], hasHead: false });
  });

  it("keeps the heads of pretraining without what transformers ties, and says what it leaves out", async () => {
    const directory = join(folder, "pretrained-new");
    const source = await writePretrained(join(folder, "pretrained"), {});
    expect(await convertModel(source, directory)).toMatchObject({
      architecture: "BertForPreTraining",
      tensors: 42,
      left: ["another.head"],
    });
    expect(await headsOf(directory)).toEqual([
      "cls.predictions.bias",
      "cls.predictions.transform.LayerNorm.weight",
      "cls.seq_relationship.weight",
    ]);
    expect(JSON.parse(await readFile(join(directory, "config.json"), "utf8"))).toMatchObject({
      architectures: ["BertForPreTraining"],
    });
  });

  const DECODER = ["cls.predictions.decoder.weight", "cls.predictions.decoder.bias"];

  it.each([
    ["whose config says so", { tie_word_embeddings: false }, {}, DECODER],
    ["of other values", {}, { "cls.predictions.decoder.weight": 0.5 }, DECODER.slice(0, 1)],
    ["whose bias is another", {}, { "cls.predictions.decoder.bias": 0.5 }, DECODER.slice(1)],
  ])("keeps a decoder that is not tied: one %s", async (what, config, changes, kept) => {
    const source = await writePretrained(join(folder, `untied ${what}`), config, changes);
    const directory = join(folder, `untied ${what}, new`);
    expect((await convertModel(source, directory)).left).toEqual(["another.head"]);
    expect((await headsOf(directory)).filter((name) => name.includes("decoder"))).toEqual(kept);
    const [from, to] = [
      await readAll(await openWeights(source)),
      await readAll(await openWeights(directory)),
    ];
    for (const name of kept) expect(to[name], name).toEqual(from[name]);
  });

  it("says that it leaves out an untied decoder next to a classifier", async () => {
    const changes = { "cls.predictions.decoder.weight": 0.5, "classifier.weight": 1, "classifier.bias": 1 };
    const source = await writePretrained(join(folder, "classifier"), { num_labels: 3 }, changes);
    const { left } = await convertModel(source, join(folder, "classifier-new"));
    expect(left.filter((name) => name.includes("decoder"))).toEqual(["cls.predictions.decoder.weight"]);
  });

  it.each([
    ["id2label", { id2label: { 0: "joy", 1: "anger" } }],
    ["num_labels", { num_labels: 2 }],
  ])("refuses a classifier of another size than %s says", async (what, config) => {
    const heads = { "classifier.weight": 1, "classifier.bias": 1 };
    const architectures = ["BertForSequenceClassification"];
    const source = await writePretrained(join(folder, what), { architectures, ...config }, heads);
    const destination = join(folder, `${what}-new`);
    const refused = {
      code: "ERR_FINETAG_MODEL",
      message:
        `${source}: its classification head has 3 labels, but its config.json names 2; use the config.json that belongs to ` +
        "the weights, or train with `newHead: true` to replace the head",
    };
    await expect(convertModel(source, destination)).rejects.toMatchObject(refused);
    await expect(readdir(destination)).rejects.toThrow("ENOENT");
    await expect(Classifier.fromPretrained(source, { threads: 1 })).rejects.toMatchObject(refused);
    expect(await inspectModel(source)).toMatchObject({ hasHead: false, labels: [], strangeHead: 3 });
  });

  it("takes the size of a classifier from its weights where the config says none", async () => {
    const heads = { "classifier.weight": 1, "classifier.bias": 1 };
    const source = await writePretrained(join(folder, "unnamed"), {}, heads);
    const { architecture, directory } = await convertModel(source, join(folder, "unnamed-new"));
    expect(architecture).toBe("BertForSequenceClassification");
    const { id2label } = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
    expect(id2label).toEqual({ 0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2" });
    await expect(Classifier.fromPretrained(source, { labels: ["joy", "anger"] })).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${source}: its classification head has 3 labels, but the data has 2; set \`newHead: true\` to replace it`,
    });
  });

  it.each([
    ["discriminator_predictions.dense.weight", "ElectraForPreTraining"],
    ["generator_predictions.dense.weight", "ElectraForMaskedLM"],
    ["another.head", "ElectraModel"],
  ])("calls an ELECTRA with %s by its class, where the config names none", async (head, expected) => {
    const electra = {
      architectures: undefined,
      model_type: "electra",
      embedding_size: TINY_CONFIG.hidden_size,
    };
    const source = await writeTinyModel(join(folder, head), electra);
    const encoder = await openWeights(source);
    const names = encoder.entries().filter(({ name }) => !name.startsWith("pooler."));
    const tensors = names.map(({ name, shape }) => ({ name, shape, read: () => encoder.read(name) }));
    const extra = { name: head, shape: [32, 32], read: async () => new Float32Array(32 * 32) };
    await writeSafetensors(join(source, "model.safetensors"), [...tensors, extra]);
    await encoder.close();
    const { architecture, left } = await convertModel(source, join(folder, `${head}-new`));
    expect({ architecture, left }).toEqual({
      architecture: expected,
      left: expected === "ElectraModel" ? [head] : [],
    });
  });

  it("keeps the head of another task, whatever its size", async () => {
    const heads = { "classifier.weight": 1, "classifier.bias": 1 };
    const config = { architectures: ["BertForTokenClassification"], num_labels: 2 };
    const source = await writePretrained(join(folder, "tokens"), config, heads);
    const { architecture, directory } = await convertModel(source, join(folder, "tokens-new"));
    expect(architecture).toBe("BertForTokenClassification");
    expect(await headsOf(directory)).toEqual(
      expect.arrayContaining(["classifier.bias", "classifier.weight"]),
    );
  });

  it("writes into an empty folder, and into another one only with force, where other files stay", async () => {
    const directory = join(folder, "taken");
    await mkdir(directory);
    await convertModel(encoder, directory);
    await writeFile(join(directory, "notes.txt"), "mine");
    await writeFile(join(directory, "model.safetensors.index.json"), "of an older model");
    await writeFile(join(directory, "finetag.json"), "of an older model");
    await expect(convertModel(encoder, directory)).rejects.toMatchObject({
      code: "ERR_FINETAG_ARGUMENT",
      message: `${directory}: it is not empty; give a new folder, or use \`force: true\` to replace a model in it`,
    });
    await convertModel(encoder, directory, { force: true });
    expect((await readdir(directory)).sort()).toEqual([
      "config.json",
      "model.safetensors",
      "notes.txt",
      "tokenizer.json",
      "tokenizer_config.json",
      "vocab.txt",
    ]);
  });

  it("may write next to the files that it reads", async () => {
    const directory = join(folder, "in-place");
    await cp(encoder, directory, { recursive: true });
    const before = await readAll(await openWeights(directory));
    await convertModel(directory, directory, { force: true });
    const after = await readAll(await openWeights(directory));
    expect(after).toEqual(
      Object.fromEntries(Object.entries(before).map(([name, data]) => [`bert.${name}`, data])),
    );
  });

  it("refuses tensors that all share the data of a small file", async () => {
    const source = join(folder, "shared");
    await cp(encoder, source, { recursive: true });
    await rm(join(source, "model.safetensors"));
    const file = await openWeights(encoder);
    const entries = file.entries();
    await file.close();
    const elements = Math.max(...entries.map(({ shape }) => countElements(shape)));
    const more = Array.from({ length: 200 }, (_, i) => ({ name: `cls.more${i}`, shape: [elements] }));
    const pickle = new Pickle().op("}");
    for (const { name, shape } of [...entries, ...more]) {
      const stride = shape.map((_, i) => countElements(shape.slice(i + 1)));
      pickle.entry({ name, elements, shape, stride });
    }
    const bytes = legacy(pickle.end(), ["0"], true, Buffer.alloc(8 + 4 * elements));
    await writeFile(join(source, "pytorch_model.bin"), bytes);
    await expect(convertModel(source, join(folder, "shared-new"))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringMatching(
        new RegExp(
          `: its tensors share their data: the ${bytes.byteLength} bytes of the file would become \\d+;`,
        ),
      ),
    });
    expect(await readdir(folder)).not.toContain("shared-new");
  });

  it("leaves nothing behind where it fails", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    await expect(convertModel(encoder, file, { force: true })).rejects.toMatchObject({
      code: "ERR_FINETAG_ARGUMENT",
      message: `${file}: it is a file; give a folder to write to`,
    });
    const broken = join(folder, "broken");
    await cp(encoder, broken, { recursive: true });
    await rm(join(broken, "model.safetensors"));
    await expect(convertModel(broken, join(folder, "a"))).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
    });
    const controller = new AbortController();
    controller.abort();
    await expect(convertModel(encoder, join(folder, "a"), { signal: controller.signal })).rejects.toSatisfy(
      (error) => error instanceof FinetagError && error.code === "ERR_FINETAG_ABORTED",
    );
    const left = await readdir(join(folder, "a")).catch(() => []);
    expect(left).toEqual([]);
  });
});

/**
 * A tiny BERT with the heads of its pretraining, of which the decoder is the word embeddings once more.
 *
 * @param changes Values of heads that are another number throughout.
 */
async function writePretrained(
  directory: string,
  config: object,
  changes: Record<string, number> = {},
): Promise<string> {
  await writeTinyModel(directory, { architectures: undefined, ...config });
  const encoder = await openWeights(directory);
  const words = "embeddings.word_embeddings.weight";
  const [vocabulary = 0, hidden = 0] = encoder.entries().find(({ name }) => name === words)!.shape;
  const filled = (shape: number[], value: number) =>
    new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(value);
  const heads: [name: string, shape: number[]][] = [
    ["cls.predictions.bias", [vocabulary]],
    ["cls.predictions.transform.LayerNorm.gamma", [hidden]],
    ["cls.predictions.decoder.weight", [vocabulary, hidden]],
    ["cls.predictions.decoder.bias", [vocabulary]],
    ["cls.seq_relationship.weight", [2, hidden]],
    ["another.head", [1]],
    ["classifier.weight", [3, hidden]],
    ["classifier.bias", [3]],
  ];
  const present = heads.filter(([name]) => name in changes || !name.startsWith("classifier."));
  const tensors = [
    ...encoder.entries().map(({ name, shape }) => ({ name, shape, read: () => encoder.read(name) })),
    ...present.map(([name, shape]) => ({
      name,
      shape,
      read: async () =>
        name in changes || !name.endsWith("decoder.weight")
          ? filled(shape, changes[name] ?? 7)
          : encoder.read(words),
    })),
  ];
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  await encoder.close();
  return directory;
}

/** What a directory's weights hold next to the encoder. */
async function headsOf(directory: string): Promise<string[]> {
  const names = Object.keys(await readAll(await openWeights(directory)));
  return names.filter((name) => !name.startsWith("bert."));
}
