import { readFile } from "node:fs/promises";
import type { ParameterInfo } from "@finetag/core-native";
import { describe, expect, it } from "vitest";
import { parseModelConfig } from "../../src/models/config.ts";
import { FAMILIES } from "../../src/models/families/index.ts";
import { familyOf, matchWeights } from "../../src/models/index.ts";
import { isHeadOf } from "../../src/models/names.ts";
import { findPrefix } from "../../src/models/prefix.ts";
import type { TensorEntry } from "../../src/weights/index.ts";

interface StateDict {
  config: Record<string, unknown>;
  entries: TensorEntry[];
}

const text = await readFile(new URL("fixtures/state-dicts.json", import.meta.url), "utf8");
const stateDicts: Record<string, StateDict> = JSON.parse(text);

function entriesOf(name: string): TensorEntry[] {
  return structuredClone(stateDicts[name]!.entries);
}

function configOf(name: string) {
  return { directory: "/models/m", ...parseModelConfig(stateDicts[name]!.config, "config.json") };
}

type Prefix = "Bert" | "Roberta" | "Albert" | "XLMRoberta" | "DistilBert" | "Electra" | "Ernie";

/** The session's parameters are those of the classifier that transformers has for the family. */
function parametersOf(family: Prefix, labels = 3): ParameterInfo[] {
  return entriesOf(`${family}ForSequenceClassification`).map(({ name, shape }) => {
    const isOutput = /^classifier\.(out_proj\.)?(weight|bias)$/.test(name);
    return { name, shape: isOutput ? [labels, ...shape.slice(1)] : shape, decays: true };
  });
}

function match(family: Prefix, name: string, entries = entriesOf(name), labels = 3) {
  return matchWeights(configOf(name), parametersOf(family, labels), entries);
}

const BERT_HEAD = ["classifier.bias", "classifier.weight"];
const BERT_POOLER = ["bert.pooler.dense.bias", "bert.pooler.dense.weight"];
const ROBERTA_HEAD = [
  "classifier.dense.bias",
  "classifier.dense.weight",
  "classifier.out_proj.bias",
  "classifier.out_proj.weight",
];

const DISTILBERT_HEAD = [...BERT_HEAD, "pre_classifier.bias", "pre_classifier.weight"];
const ALBERT_HEAD = BERT_HEAD;
const ERNIE_POOLER = BERT_POOLER.map((name) => name.replace("bert.", "ernie."));
const ALBERT_POOLER = ["albert.pooler.bias", "albert.pooler.weight"];

describe("files of transformers' classes", () => {
  it.each([
    ["Bert", "BertForSequenceClassification", "match", [], /^$/],
    ["Bert", "BertModel", "absent", BERT_HEAD, /^$/],
    ["Bert", "BertForMaskedLM", "absent", [...BERT_POOLER, ...BERT_HEAD], /^cls\./],
    ["Bert", "BertForPreTraining", "absent", BERT_HEAD, /^cls\./],
    ["Bert", "BertForTokenClassification", "absent", [...BERT_POOLER, ...BERT_HEAD], /^classifier\./],
    ["Roberta", "RobertaForSequenceClassification", "match", [], /^$/],
    ["Roberta", "RobertaModel", "absent", ROBERTA_HEAD, /^pooler\.dense\./],
    ["Roberta", "RobertaForMaskedLM", "absent", ROBERTA_HEAD, /^lm_head\./],
    ["Roberta", "RobertaForTokenClassification", "absent", ROBERTA_HEAD, /^classifier\.(weight|bias)$/],
    ["XLMRoberta", "XLMRobertaForSequenceClassification", "match", [], /^$/],
    ["XLMRoberta", "XLMRobertaModel", "absent", ROBERTA_HEAD, /^pooler\.dense\./],
    ["XLMRoberta", "XLMRobertaForMaskedLM", "absent", ROBERTA_HEAD, /^lm_head\./],
    ["DistilBert", "DistilBertForSequenceClassification", "match", [], /^$/],
    ["DistilBert", "DistilBertModel", "absent", DISTILBERT_HEAD, /^$/],
    ["DistilBert", "DistilBertForMaskedLM", "absent", DISTILBERT_HEAD, /^vocab_/],
    ["DistilBert", "DistilBertForTokenClassification", "absent", DISTILBERT_HEAD, /^classifier\./],
    ["Electra", "ElectraForSequenceClassification", "match", [], /^$/],
    ["Electra", "ElectraModel", "absent", ROBERTA_HEAD, /^$/],
    ["Electra", "ElectraForPreTraining", "absent", ROBERTA_HEAD, /^discriminator_predictions\./],
    ["Electra", "ElectraForMaskedLM", "absent", ROBERTA_HEAD, /^generator_/],
    ["Ernie", "ErnieForSequenceClassification", "match", [], /^$/],
    ["Ernie", "ErnieModel", "absent", BERT_HEAD, /^$/],
    ["Ernie", "ErnieForMaskedLM", "absent", [...ERNIE_POOLER, ...BERT_HEAD], /^cls\./],
    ["Albert", "AlbertForSequenceClassification", "match", [], /^$/],
    ["Albert", "AlbertModel", "absent", ALBERT_HEAD, /^$/],
    ["Albert", "AlbertForMaskedLM", "absent", [...ALBERT_POOLER, ...ALBERT_HEAD], /^predictions\./],
    ["Albert", "AlbertForPreTraining", "absent", ALBERT_HEAD, /^(predictions|sop_classifier)\./],
    ["Albert", "AlbertForTokenClassification", "absent", [...ALBERT_POOLER, ...ALBERT_HEAD], /^classifier\./],
  ] as const)("%s from %s", (family, name, head, fresh, unused) => {
    const found = match(family, name);
    expect(found.head).toBe(head);
    expect([...found.fresh].sort()).toEqual([...fresh].sort());
    for (const tensor of found.unused) expect(tensor).toMatch(unused);
    expect(found.load.length + found.fresh.length).toBe(parametersOf(family).length);
    expect(found.load.length + found.unused.length).toBe(entriesOf(name).length);
    for (const { parameter, tensor } of found.load) expect(parameter.endsWith(tensor)).toBe(true);
  });
});

describe("older names", () => {
  it("gamma and beta are the weight and bias of a layer norm, with and without the prefix", () => {
    for (const name of ["BertForPreTraining", "BertModel"]) {
      const entries = entriesOf(name).map((entry) => ({
        ...entry,
        name: entry.name
          .replace("LayerNorm.weight", "LayerNorm.gamma")
          .replace("LayerNorm.bias", "LayerNorm.beta"),
      }));
      const { load } = match("Bert", name, entries);
      const norm = load.find(({ parameter }) => parameter === "bert.embeddings.LayerNorm.weight");
      expect(norm?.tensor.endsWith("embeddings.LayerNorm.gamma")).toBe(true);
    }
  });

  it("of norms that are not called LayerNorm", () => {
    const entries = entriesOf("DistilBertModel").map((entry) => ({
      ...entry,
      name: entry.name.replace("norm.weight", "norm.gamma").replace("norm.bias", "norm.beta"),
    }));
    const { load } = match("DistilBert", "DistilBertModel", entries);
    expect(load).toContainEqual({
      parameter: "distilbert.transformer.layer.1.sa_layer_norm.weight",
      tensor: "transformer.layer.1.sa_layer_norm.gamma",
    });
  });

  it("position_ids are reported, not read", () => {
    const position = { name: "embeddings.position_ids", dtype: "I64", shape: [1, 16] };
    expect(match("Bert", "BertModel", [...entriesOf("BertModel"), position]).unused).toEqual([position.name]);
  });
});

describe("a model within something larger", () => {
  const name = "BertForSequenceClassification";
  const behind = (prefix: string, from = entriesOf(name)) =>
    from.map((entry) => ({ ...entry, name: prefix + entry.name }));
  const loss = { name: "loss.weight", dtype: "F32", shape: [3] };

  it.each(["module.", "model.", "net.", "state_dict.model.module.", "encoder."])(
    'is found behind "%s", with its head, and what is next to it is not used',
    (prefix) => {
      const found = match("Bert", name, [loss, ...behind(prefix)]);
      expect(found).toMatchObject({ prefix, head: "match", fresh: [], unused: ["loss.weight"] });
      for (const { parameter, tensor } of found.load) expect(tensor).toBe(prefix + parameter);
    },
  );

  it("is found behind the name that a class of one's own gives a bare encoder", () => {
    const found = match("Bert", "BertModel", behind("plm.", entriesOf("BertModel")));
    expect(found).toMatchObject({ prefix: "plm.", head: "absent", fresh: BERT_HEAD, unused: [] });
  });

  it("may have its head next to the encoder, of which a class of one's own has another name", () => {
    const own = entriesOf(name).map((entry) => ({
      ...entry,
      name: entry.name.replace(/^bert\./, "encoder_a."),
    }));
    for (const start of ["", "module."]) {
      const found = match("Bert", name, [loss, ...behind(start, own)]);
      expect(found).toMatchObject({
        prefix: `${start}encoder_a.`,
        head: "match",
        fresh: [],
        unused: ["loss.weight"],
      });
    }
    const wider = own.map((entry) =>
      entry.name === "classifier.weight" ? { ...entry, shape: [3, 2 * entry.shape[1]!] } : entry,
    );
    expect(match("Bert", name, wider)).toMatchObject({ head: "absent", fresh: BERT_HEAD, unused: BERT_HEAD });
    const fewer = own.map((entry) =>
      entry.name.startsWith("classifier.") ? { ...entry, shape: [2, ...entry.shape.slice(1)] } : entry,
    );
    expect(match("Bert", name, fewer)).toMatchObject({ head: { labels: 2 }, unused: BERT_HEAD });
    const half = own.filter((entry) => entry.name !== "classifier.bias");
    expect(match("Bert", name, half)).toMatchObject({ head: "absent", unused: ["classifier.weight"] });
  });

  it("loses no more of its names than it must", () => {
    expect(match("Bert", name)).toMatchObject({ prefix: "" });
    const found = match("Bert", name, [...behind("teacher."), ...entriesOf(name)]);
    expect(found).toMatchObject({ prefix: "", head: "match" });
    expect(found.unused).toEqual(behind("teacher.").map((entry) => entry.name));
  });

  it("is the one under a usual name, or that of the config's size, where there are several", () => {
    expect(match("Bert", name, [...behind("ema."), ...behind("model.")]).prefix).toBe("model.");
    const small = entriesOf(name).map((entry) => ({ ...entry, shape: entry.shape.map((size) => size / 2) }));
    expect(match("Bert", name, [...behind("a.", small), ...behind("student.")]).prefix).toBe("student.");
    expect(() => match("Bert", name, [...behind("query."), ...behind("passage.")])).toThrow(
      '/models/m: the weights have 2 encoders, whose names begin with "query.", "passage."; save the one you mean to a file of its own',
    );
  });

  it("is told by its prefix where something of it is missing", () => {
    const entries = behind("model.").filter((entry) => !entry.name.includes("layer.1.output.dense.bias"));
    expect(() => match("Bert", name, entries)).toThrow(
      '/models/m: tensor "bert.encoder.layer.1.output.dense.bias" is missing from the weights (their names begin with "model."); use the config',
    );
  });

  it("is not of another family for that", () => {
    expect(() => match("Bert", name, behind("model.", entriesOf("RobertaForMaskedLM")))).toThrow(
      'config.json says model_type "bert", but they are named "roberta.…"; use the config.json that belongs to them',
    );
    // All of BERT's encoder is in it, by name and by shape.
    expect(() =>
      match(
        "Bert",
        name,
        entriesOf(name).map((entry) => ({ ...entry, name: entry.name.replace("bert.", "electra.") })),
      ),
    ).toThrow('but they are named "electra.…"');
  });

  it("that is no model says what its tensors are called", () => {
    expect(() => match("Bert", name, [loss])).toThrow(
      '/models/m: none of the 1 tensors in the weights has a name of a "bert" model (the first is ' +
        '"loss.weight", not "…bert.embeddings.LayerNorm.bias"); use weights with the names that transformers gives them',
    );
  });
});

describe("a head", () => {
  it("of a class that transformers does not have is taken where it is the same", () => {
    const { config } = stateDicts.BertForSequenceClassification!;
    const own = parseModelConfig(
      { ...config, architectures: ["BertForMultiLabelClassification"] },
      "config.json",
    );
    const entries = entriesOf("BertForSequenceClassification");
    expect(matchWeights(own, parametersOf("Bert"), entries)).toMatchObject({ head: "match", fresh: [] });
  });

  it("of another size is told, and neither loaded nor fresh", () => {
    const bert = match("Bert", "BertForSequenceClassification", undefined, 28);
    expect(bert.head).toEqual({ labels: 3 });
    expect(bert.fresh).toEqual([]);
    expect(bert.unused).toEqual(BERT_HEAD);
    const roberta = match("Roberta", "RobertaForSequenceClassification", undefined, 28);
    expect(roberta.head).toEqual({ labels: 3 });
    const distilbert = match("DistilBert", "DistilBertForSequenceClassification", undefined, 28);
    expect([distilbert.head, distilbert.unused]).toEqual([{ labels: 3 }, DISTILBERT_HEAD]);
    expect(roberta.unused).toEqual(ROBERTA_HEAD);
  });

  it("without its bias is an error", () => {
    const entries = entriesOf("BertForSequenceClassification").filter(
      ({ name }) => name !== "classifier.bias",
    );
    expect(() => match("Bert", "BertForSequenceClassification", entries)).toThrow(
      '/models/m: tensor "classifier.bias" is missing from the weights',
    );
  });
});

describe("an ERNIE", () => {
  const renamed = (name: string, from: string, to: string) =>
    entriesOf(name).map((entry) => ({ ...entry, name: entry.name.replace(from, to) }));
  const task = "embeddings.task_type_embeddings.weight";

  it("may have BERT's names", () => {
    const { load, unused } = match(
      "Ernie",
      "ErnieForMaskedLM",
      renamed("ErnieForMaskedLM", "ernie.", "bert."),
    );
    expect(load).toContainEqual({ parameter: `ernie.${task}`, tensor: `bert.${task}` });
    expect(unused.every((name) => name.startsWith("cls."))).toBe(true);
  });

  it("may call itself BERT, and has no task then", () => {
    const config = { ...configOf("BertForMaskedLM"), directory: "/models/m" };
    const { load, unused } = matchWeights(config, parametersOf("Bert"), entriesOf("ErnieForMaskedLM"));
    expect(load).toContainEqual({
      parameter: "bert.embeddings.LayerNorm.weight",
      tensor: "ernie.embeddings.LayerNorm.weight",
    });
    expect(unused.filter((name) => !name.startsWith("cls."))).toEqual([`ernie.${task}`]);
  });
});

describe("weights of another family", () => {
  it("are told by their names", () => {
    expect(() => match("Bert", "BertForMaskedLM", entriesOf("RobertaForMaskedLM"))).toThrow(
      'config.json says model_type "bert", but they are named "roberta.…"; use the config.json that belongs to them',
    );
  });
});

describe("weights that contradict the config", () => {
  const name = "BertForSequenceClassification";
  const changed = (tensor: string, shape: number[]) =>
    entriesOf(name).map((entry) => (entry.name === tensor ? { ...entry, shape } : entry));

  it.each([
    [
      "bert.embeddings.word_embeddings.weight",
      [12, 8],
      "has shape [12, 8], but config.json needs [11, 8] (vocab_size",
    ],
    ["bert.embeddings.position_embeddings.weight", [8, 8], "(max_position_embeddings or hidden_size)"],
    ["bert.encoder.layer.1.intermediate.dense.weight", [8, 12], "(intermediate_size or hidden_size)"],
    [
      "bert.encoder.layer.0.attention.self.query.bias",
      [8, 1],
      "has shape [8, 1], but config.json needs [8] (hidden_size)",
    ],
  ])("%s", (tensor, shape, message) => {
    expect(() => match("Bert", name, changed(tensor, shape))).toThrow(message);
    expect(() => match("Bert", name, changed(tensor, shape))).toThrow(
      expect.objectContaining({ code: "ERR_FINETAG_MODEL" }),
    );
  });

  it("missing tensors are counted and the first is named", () => {
    const entries = entriesOf(name).filter((entry) => !entry.name.includes("layer.1."));
    expect(() => match("Bert", name, entries)).toThrow(
      '/models/m: 16 of 41 tensors, first "bert.encoder.layer.1.attention.output.LayerNorm.bias", are missing from the weights; use the config.json that belongs to them, or fetch the model again',
    );
  });

  it("half a pooler is an error", () => {
    const entries = entriesOf(name).filter((entry) => entry.name !== "bert.pooler.dense.bias");
    expect(() => match("Bert", name, entries)).toThrow('tensor "bert.pooler.dense.bias" is missing');
  });
});

describe("what a family declares", () => {
  it.each(FAMILIES.map((family) => [family.modelType, family] as const))(
    "%s: its anchor, head and output are parameters of transformers' class",
    (_, family) => {
      const names = entriesOf(family.architecture).map(({ name }) => name);
      expect(names).toContain(family.anchor);
      expect(names).toContain(family.headWeight);
      // The encoder's names begin with its base, and all others are the head's.
      const [base] = family.bases;
      for (const name of names) expect(isHeadOf(family, name)).toBe(!name.startsWith(base!));
      for (const prefix of family.headPrefixes)
        expect(names.some((name) => name.startsWith(prefix))).toBe(true);
    },
  );

  it("finds an encoder by the anchor, whatever it is called", () => {
    const name = (parameter: string) => parameter.replace("word_embeddings", "tok_embeddings");
    const rename = <T extends { name: string }>(list: T[]) =>
      list.map((item) => ({ ...item, name: name(item.name) }));
    const bert = familyOf({ modelType: "bert" });
    const encoder = rename(parametersOf("Bert")).filter((parameter) => !isHeadOf(bert, parameter.name));
    const entries = rename(entriesOf("BertForSequenceClassification")).map((entry) => ({
      ...entry,
      name: `plm.${entry.name}`,
    }));
    expect(findPrefix(encoder, entries, { ...bert, anchor: name(bert.anchor) }, "here")).toBe("plm.");
    expect(findPrefix(encoder, entries, bert, "here")).toBe("");
  });
});
