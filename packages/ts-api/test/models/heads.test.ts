/** Models as people bring them: heads under names of their own, labels without names, other problems, other sizes. */
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/data/index.ts";
import { Classifier, convertModel, inspectModel, type LoadOptions } from "../../src/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { folder, folderForAll } from "../folder.ts";
import { tinyRows, writeTinyModel } from "../training/tiny.ts";
import { readAll } from "../weights/tensors.ts";
import { writeSafetensors } from "../weights/write.ts";

folderForAll();

const HIDDEN = 32;
type Layers = Record<string, number[]>;

/** A linear layer's two tensors. */
function linear(name: string, outputs: number, inputs = HIDDEN): Layers {
  return { [`${name}.weight`]: [outputs, inputs], [`${name}.bias`]: [outputs] };
}

/**
 * The tiny encoder with more tensors next to it.
 *
 * @param options.without Of the encoder's tensors: those that are left out.
 */
async function modelWith(
  layers: Layers,
  config: Record<string, unknown> = {},
  { prefix = "bert.", without = /^$/ } = {},
): Promise<string> {
  const directory = await writeTinyModel(await mkdtemp(join(folder, "model-")), config);
  const weights = await openWeights(directory);
  const shapes = new Map(weights.entries().map(({ name, shape }) => [name, shape]));
  const encoder = Object.entries(await readAll(weights)).filter(([name]) => !without.test(name));
  await weights.close();
  const random = new Random(7);
  const values = (shape: number[]) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random.below(2001) - 1000) / 2000);
  const all = [
    ...encoder.map(([name, data]) => ({
      name: prefix + name,
      shape: shapes.get(name)!,
      read: async () => Float32Array.from(data),
    })),
    ...Object.entries(layers).map(([name, shape]) => {
      const data = values(shape);
      return { name, shape, read: async () => data };
    }),
  ];
  await writeSafetensors(join(directory, "model.safetensors"), all);
  const json = JSON.parse(await readFile(join(directory, "config.json"), "utf8"));
  if (!("architectures" in config)) delete json.architectures;
  await writeFile(join(directory, "config.json"), JSON.stringify(json));
  return directory;
}

const TEXTS = ["the day was great", "so mad it was"];

async function predict(directory: string, options: LoadOptions = {}) {
  await using classifier = await Classifier.fromPretrained(directory, {
    device: "cpu",
    threads: 1,
    ...options,
  });
  const predictions = await classifier.predict(TEXTS);
  return { labels: classifier.labels, predictions, warnings: classifier.warnings };
}

const LABELS3 = { id2label: { 0: "joy", 1: "anger", 2: "fear" } };

/** How people call it, and where they put it. */
const random = new Random(5);
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const word = () => Array.from({ length: 3 + random.below(6) }, () => LETTERS[random.below(26)]).join("");
const NAMES: [head: string, prefix: string][] = [
  ["l3", "bert."],
  ["out", "bert."],
  ["fc", "model.bert."],
  ["linear", "encoder_model."],
  ["classifier.1", "bert."],
  ["module.classifier.2", "module.bert."],
  ["state_dict.model.head.dense", "state_dict.model.backbone."],
  ...Array.from({ length: 6 }, (): [string, string] => [`${word()}.${random.below(9)}`, `${word()}.`]),
];

describe("a linear layer of one's own", () => {
  it.each(NAMES)("%s next to %s is the head", async (head, prefix) => {
    const usual = await predict(await modelWith(linear("classifier", 3), LABELS3));
    const own = await predict(await modelWith(linear(head, 3), LABELS3, { prefix }));
    expect(own.labels).toEqual(["joy", "anger", "fear"]);
    expect(own.predictions).toEqual(usual.predictions);
    expect(usual.warnings).toEqual([]);
    expect(own.warnings).toEqual([
      expect.stringMatching(new RegExp(`takes the layer "${head}" \\(32 to 3\\) as the classification head`)),
    ]);
  });

  it("gives the number of labels that the config does not", async () => {
    const directory = await modelWith(linear("l3", 6));
    const { labels } = await predict(directory);
    expect(labels).toEqual(["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3", "LABEL_4", "LABEL_5"]);
    expect(await inspectModel(directory)).toMatchObject({ hasHead: true, labels });
    const converted = join(folder, "converted-l3");
    await convertModel(directory, converted);
    expect((await predict(converted)).predictions).toEqual((await predict(directory)).predictions);
  });

  it.each<[string, Layers, RegExp]>([
    [
      "there are two that fit",
      { ...linear("fc1", 3), ...linear("fc2", 3) },
      /"fc1" \(32 to 3\), "fc2" \(32 to 3\)/,
    ],
    ["it has another number of outputs", linear("l3", 5), /"l3" \(32 to 5\)/],
    ["it has other inputs", linear("l3", 3, 64), /"l3" \(64 to 3\)/],
    [
      "it is the last of several",
      { ...linear("classifier.0", 32), ...linear("classifier.3", 3) },
      /classifier\.3/,
    ],
    [
      "a norm comes before it",
      { "norm.weight": [HIDDEN], "norm.bias": [HIDDEN], ...linear("l3", 3) },
      /"l3"/,
    ],
    ["a recurrent layer does", { "lstm.weight_ih_l0": [4 * HIDDEN, HIDDEN], ...linear("l3", 3) }, /"l3"/],
  ])("is not taken where %s; the layers and the names to give one are said", async (_, layers, named) => {
    const directory = await modelWith(layers, LABELS3);
    const error = await predict(directory).catch((caught) => caught);
    expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL" });
    expect(error.message).toMatch(named);
    expect(error.message).toContain('"classifier.weight", "classifier.bias"');
    expect(error.message).not.toContain("\n");
  });

  it("is not taken without the pooler before it", async () => {
    const directory = await modelWith(linear("l3", 3), LABELS3, { without: /^pooler/ });
    await expect(predict(directory)).rejects.toThrow('"l3" (32 to 3)');
  });

  it("is the head once it has the names that the message gives", async () => {
    const layers = { ...linear("fc1", 3), ...linear("fc2", 3) };
    const { message } = await predict(await modelWith(layers, LABELS3)).catch((caught) => caught);
    const [, to, from] = /sd\["(.+?)\.weight"\] = sd\.pop\("(.+?)\.weight"\)/.exec(message)!;
    const renamed = Object.entries(layers).map(([name, shape]) => [
      name.replace(`${from}.`, `${to}.`),
      shape,
    ]);
    const { labels } = await predict(await modelWith(Object.fromEntries(renamed), LABELS3));
    expect(labels).toEqual(["joy", "anger", "fear"]);
  });

  it("is left alone in training for another number of labels", async () => {
    const directory = await modelWith(linear("projection", 7));
    await using classifier = await Classifier.fromPretrained(directory, {
      labels: ["joy", "anger", "fear"],
      device: "cpu",
      threads: 1,
    });
    expect(classifier.freshParameters).toEqual(["classifier.weight", "classifier.bias"]);
    for await (const event of classifier.train({ train: tinyRows(16, 1), epochs: 1 }))
      expect(event).toBeDefined();
    expect(await classifier.predict(TEXTS)).toHaveLength(2);
  });
});

describe("a model without names of labels", () => {
  const architectures = ["BertForSequenceClassification"];

  it.each([2, 1, 5])("has as many labels as its head: %d", async (count) => {
    for (const config of [{ architectures }, {}]) {
      const { labels, warnings } = await predict(await modelWith(linear("classifier", count), config));
      expect(labels).toEqual(Array.from({ length: count }, (_, i) => `LABEL_${i}`));
      expect(warnings).toEqual([]);
    }
  });

  it("and without a head is not trained", async () => {
    for (const config of [{ architectures: ["BertModel"] }, {}, LABELS3, { num_labels: 4 }]) {
      await expect(predict(await modelWith({}, config))).rejects.toThrow(
        "this model is not trained yet; run `finetag train`",
      );
    }
  });

  it("and without the pooler does not predict at random", async () => {
    const directory = await modelWith(linear("classifier", 3), LABELS3, { without: /^pooler/ });
    await expect(predict(directory)).rejects.toThrow(
      'the weights lack "bert.pooler.dense.weight", "bert.pooler.dense.bias", so its predictions would be random',
    );
  });
});

describe("a model of another problem", () => {
  const architectures = ["BertForSequenceClassification"];
  const trained = (problem_type?: unknown) =>
    modelWith(linear("classifier", 3), { architectures, ...LABELS3, problem_type });

  it.each([
    ["single_label_classification", /softmax to give each text exactly one of its labels/],
    ["regression", /trained to give numbers, not labels/],
    ["token_classification", /that is not "multi_label_classification"/],
    [3, /problem_type 3: that is not/],
  ])("%s predicts only where that is asked for", async (problem, why) => {
    const directory = await trained(problem);
    await using classifier = await Classifier.fromPretrained(directory, { device: "cpu", threads: 1 });
    for (const use of [
      () => classifier.predict("a day"),
      () => classifier.evaluate([{ text: "a day", labels: ["joy"] }]),
      () => classifier.predictStream(tinyRows(1, 1) as never).next(),
    ]) {
      const error = await Promise.resolve(use()).catch((caught) => caught);
      expect(error).toMatchObject({ code: "ERR_FINETAG_MODEL", option: "multiLabel" });
      expect(error.message).toMatch(why);
      expect(error.message).toContain("use `multiLabel: true`");
    }
    const asked = await predict(directory, { multiLabel: true });
    expect(asked.predictions).toEqual((await predict(await trained())).predictions);
    expect(asked.warnings).toEqual([expect.stringMatching(why)]);
    expect(await inspectModel(directory)).toMatchObject({
      problemType: String(problem),
      isMultiLabel: false,
    });
  });

  it.each(["multi_label_classification", undefined, null])("%s needs nothing", async (problem) => {
    const directory = await trained(problem);
    expect(await predict(directory)).toMatchObject({ warnings: [] });
    expect(await inspectModel(directory)).toMatchObject({ isMultiLabel: true });
  });

  it("is one of many labels once it is trained", async () => {
    const directory = await trained("single_label_classification");
    const saved = join(folder, "retrained");
    await using classifier = await Classifier.fromPretrained(directory, { device: "cpu", threads: 1 });
    const said: string[] = [];
    for await (const event of classifier.train({ train: tinyRows(16, 1), epochs: 1 }))
      if (event.type === "warning") said.push(event.message);
    expect(said.join()).toContain("from here on, its head is trained to give any number of labels");
    await classifier.predict(TEXTS);
    await classifier.save(saved);
    expect(await predict(saved)).toMatchObject({ warnings: [] });
  });
});

describe("a config with fewer layers than its weights", () => {
  const refusal = /describes 1 layer, but the weights have more \("(bert\.|x\.)?encoder\.layer\.1\./;

  it.each(["bert.", "", "x."])("is refused, whatever the names begin with: %j", async (prefix) => {
    const directory = await modelWith(linear("classifier", 3), LABELS3, { prefix });
    const path = join(directory, "config.json");
    const config = JSON.parse(await readFile(path, "utf8"));
    await writeFile(path, JSON.stringify({ ...config, num_hidden_layers: 1 }));
    for (const use of [predict, inspectModel]) {
      await expect(use(directory)).rejects.toMatchObject({ code: "ERR_FINETAG_MODEL" });
      await expect(use(directory)).rejects.toThrow(refusal);
    }
  });

  it("is not seen in position_ids, pretraining heads, another model's layers or the same layer twice", async () => {
    const directory = await modelWith(
      {
        ...linear("classifier", 3),
        "bert.embeddings.position_ids": [1, 64],
        ...linear("cls.predictions.transform.dense", HIDDEN),
        ...linear("cls.seq_relationship", 2),
        ...linear("teacher.encoder.layer.5.output.dense", HIDDEN),
        ...linear("encoder.layer.1.attention.output.dense", HIDDEN),
      },
      LABELS3,
    );
    expect((await predict(directory)).warnings).toEqual([]);
  });
});
