import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAddon } from "../../src/engine/addon.ts";
import { ModelSession } from "../../src/engine/index.ts";
import { parseModelConfig } from "../../src/models/config.ts";
import { assertVocabulary, maxTextLength, readModelConfig } from "../../src/models/index.ts";
import { savedConfigJson } from "../../src/models/save.ts";
import { folder as dir, folderForEach } from "../folder.ts";

folderForEach();

const parse = (json: Record<string, unknown>) =>
  parseModelConfig({ model_type: "bert", ...json }, "config.json");

describe("readModelConfig", () => {
  it("fills in BertConfig's defaults", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "bert", "extra": 1}');
    expect(await readModelConfig(dir)).toEqual({
      directory: dir,
      file: "config.json",
      json: { model_type: "bert", extra: 1 },
      modelType: "bert",
      native: {
        family: "bert",
        vocabSize: 30522,
        hiddenSize: 768,
        numHiddenLayers: 12,
        numAttentionHeads: 12,
        intermediateSize: 3072,
        hiddenAct: "gelu",
        maxPositionEmbeddings: 512,
        typeVocabSize: 2,
        layerNormEps: 1e-12,
        padTokenId: 0,
        hiddenDropoutProb: 0.1,
        attentionProbsDropoutProb: 0.1,
        classifierDropout: 0.1,
        initializerRange: 0.02,
        numLabels: 0,
      },
      labels: undefined,
    });
  });

  it("fills in RobertaConfig's defaults where they differ", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "roberta"}');
    const { native } = await readModelConfig(dir);
    expect(native).toMatchObject({ family: "roberta", vocabSize: 50265, padTokenId: 1, layerNormEps: 1e-12 });
  });

  it("fills in AlbertConfig's defaults", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "albert"}');
    expect((await readModelConfig(dir)).native).toEqual({
      family: "albert",
      vocabSize: 30000,
      embeddingSize: 128,
      hiddenSize: 4096,
      numHiddenLayers: 12,
      numHiddenGroups: 1,
      innerGroupNum: 1,
      numAttentionHeads: 64,
      intermediateSize: 16384,
      hiddenAct: "gelu_new",
      maxPositionEmbeddings: 512,
      typeVocabSize: 2,
      layerNormEps: 1e-12,
      padTokenId: 0,
      hiddenDropoutProb: 0,
      attentionProbsDropoutProb: 0,
      classifierDropout: 0.1,
      initializerRange: 0.02,
      numLabels: 0,
    });
  });

  it("fills in DistilBertConfig's defaults", async () => {
    await writeFile(
      join(dir, "config.json"),
      '{"model_type": "distilbert", "layer_norm_eps": 1, "hidden_act": "x"}',
    );
    expect((await readModelConfig(dir)).native).toEqual({
      family: "distilbert",
      vocabSize: 30522,
      hiddenSize: 768,
      numHiddenLayers: 6,
      numAttentionHeads: 12,
      intermediateSize: 3072,
      hiddenAct: "gelu",
      maxPositionEmbeddings: 512,
      typeVocabSize: 0,
      layerNormEps: 1e-12,
      padTokenId: 0,
      hiddenDropoutProb: 0.1,
      attentionProbsDropoutProb: 0.1,
      classifierDropout: 0.2,
      initializerRange: 0.02,
      numLabels: 0,
    });
    const own = { n_layers: 3, dim: 24, n_heads: 2, hidden_dim: 5, activation: "relu", dropout: 0.3 };
    expect(
      parse({ model_type: "distilbert", attention_dropout: 0.4, seq_classif_dropout: 0.5, ...own }).native,
    ).toMatchObject({
      numHiddenLayers: 3,
      hiddenSize: 24,
      numAttentionHeads: 2,
      intermediateSize: 5,
      hiddenAct: "relu",
      hiddenDropoutProb: 0.3,
      attentionProbsDropoutProb: 0.4,
      classifierDropout: 0.5,
    });
  });

  it("fills in ElectraConfig's defaults where they differ", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "electra", "hidden_dropout_prob": 0.3}');
    expect((await readModelConfig(dir)).native).toMatchObject({
      family: "electra",
      vocabSize: 30522,
      embeddingSize: 128,
      hiddenSize: 256,
      numHiddenLayers: 12,
      numAttentionHeads: 4,
      intermediateSize: 1024,
      classifierDropout: 0.3,
    });
  });

  it("fills in ErnieConfig's defaults where they differ", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "ernie"}');
    const { native } = await readModelConfig(dir);
    expect(native).toMatchObject({ family: "ernie", taskTypeVocabSize: undefined });
    expect(parse({ model_type: "ernie", use_task_id: true }).native.taskTypeVocabSize).toBe(3);
    expect(parse({ use_task_id: true, task_type_vocab_size: 3 }).native.taskTypeVocabSize).toBeUndefined();
  });

  it("fills in XLMRobertaConfig's defaults where they differ", async () => {
    await writeFile(join(dir, "config.json"), '{"model_type": "xlm-roberta"}');
    const config = await readModelConfig(dir);
    expect(config).toMatchObject({
      modelType: "xlm-roberta",
      native: { family: "roberta", vocabSize: 30522, padTokenId: 1, layerNormEps: 1e-12, typeVocabSize: 2 },
    });
    expect(maxTextLength(config)).toBe(510);
  });

  it("says what is missing or damaged", async () => {
    await expect(readModelConfig(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: `${dir}: has no config.json and no bert_config.json; give a model's folder, or fetch a model with \`finetag pull\``,
    });
    await writeFile(join(dir, "config.json"), "{");
    await expect(readModelConfig(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("config.json: not JSON"),
    });
    await writeFile(join(dir, "config.json"), new Uint8Array([0x22, 0xff, 0x22]));
    await expect(readModelConfig(dir)).rejects.toMatchObject({
      code: "ERR_FINETAG_MODEL",
      message: expect.stringContaining("config.json: not UTF-8"),
    });
  });
});

describe("values", () => {
  it.each([
    ["gelu_python", "gelu"],
    ["gelu_new", "gelu_new"],
    ["gelu_pytorch_tanh", "gelu_new"],
    ["relu", "relu"],
    ["swish", "silu"],
  ])("hidden_act %s is %s", (name, expected) => {
    expect(parse({ hidden_act: name }).native.hiddenAct).toBe(expected);
  });

  it("classifier_dropout falls back to hidden_dropout_prob", () => {
    expect(parse({ hidden_dropout_prob: 0.3, classifier_dropout: null }).native.classifierDropout).toBe(0.3);
    expect(parse({ hidden_dropout_prob: 0.3, classifier_dropout: 0 }).native.classifierDropout).toBe(0);
  });

  it("labels come from id2label in the order of ids, and not from LABEL_n", () => {
    const named = parse({ id2label: { "1": "b", "0": "a" }, num_labels: 2 });
    expect([named.labels, named.native.numLabels]).toEqual([["a", "b"], 2]);
    const standard = parse({ id2label: { "0": "LABEL_0", "1": "LABEL_1" } });
    expect([standard.labels, standard.native.numLabels]).toEqual([undefined, 2]);
    expect(parse({ num_labels: 5 }).native.numLabels).toBe(5);
  });

  it("positions that a text can use", () => {
    expect(maxTextLength(parse({}))).toBe(512);
    expect(maxTextLength(parse({ model_type: "roberta", max_position_embeddings: 514 }))).toBe(512);
  });
});

describe("the family", () => {
  // Keys of the published files.
  const wwm = {
    hidden_size: 768,
    num_attention_heads: 12,
    type_vocab_size: 2,
    vocab_size: 21128,
    directionality: "bidi",
  };

  it.each<[string, Record<string, unknown>, string]>([
    [
      "Chinese RoBERTa-wwm",
      { ...wwm, model_type: "bert", architectures: ["BertForMaskedLM"], bos_token_id: 0 },
      "bert",
    ],
    ["an older file of it", { ...wwm, architectures: ["BertForMaskedLM"] }, "bert"],
    [
      "MacBERT",
      { ...wwm, model_type: "bert", architectures: ["BertForMaskedLM"], gradient_checkpointing: false },
      "bert",
    ],
    ["a RoBERTa without model type", { architectures: ["RobertaForMaskedLM"] }, "roberta"],
    ["an XLM-RoBERTa without model type", { architectures: ["XLMRobertaForMaskedLM"] }, "xlm-roberta"],
    ["an ALBERT without model type", { architectures: ["AlbertModel"] }, "albert"],
    ["Google's bert_config.json", wwm, "bert"],
    [
      "Google's albert_config.json",
      { ...wwm, num_hidden_groups: 1, embedding_size: 128, net_structure_type: 0 },
      "albert",
    ],
  ])("of %s comes from its keys", (_, json, modelType) => {
    const config = parse({ model_type: undefined, ...json });
    expect(config.modelType).toBe(modelType);
    expect(savedConfigJson(config, ["a"]).model_type).toBe(modelType);
  });

  it("decides which keys count", () => {
    expect(parse({ embedding_size: 64, num_hidden_groups: 4 }).native).toMatchObject({
      embeddingSize: undefined,
      numHiddenGroups: undefined,
    });
  });
});

describe("refuses", () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      "another model",
      { model_type: "gpt2" },
      'config.json: finetag does not read model_type "gpt2"; it reads albert, bert',
    ],
    ["no model type", { model_type: undefined }, "it has no model_type; add the one"],
    [
      "no model type, and a single token type",
      { model_type: undefined, hidden_size: 8, vocab_size: 9, type_vocab_size: 1 },
      "it has no model_type; add the one",
    ],
    [
      "no model type, and another class",
      { model_type: undefined, architectures: ["GPT2Model"] },
      'it has no model_type, and architectures ["GPT2Model"] does not say which it is',
    ],
    [
      "more groups than layers",
      { model_type: "albert", num_hidden_groups: 13 },
      "num_hidden_groups 13 is more than num_hidden_layers 12",
    ],
    ["a name of Object", { model_type: "toString" }, 'finetag does not read model_type "toString"'],
    [
      "heads that do not divide",
      { hidden_size: 10 },
      "hidden_size 10 is not a multiple of num_attention_heads 12",
    ],
    [
      "heads of a DistilBERT",
      { model_type: "distilbert", dim: 10 },
      "dim 10 is not a multiple of n_heads 12",
    ],
    [
      "relative positions",
      { position_embedding_type: "relative_key" },
      'finetag reads position_embedding_type "absolute", not "relative_key"',
    ],
    ["a decoder", { is_decoder: true }, "it describes a decoder"],
    ["cross-attention", { add_cross_attention: true }, "it describes a decoder"],
    ["an unknown activation", { hidden_act: "mish" }, '"hidden_act" is "mish": Invalid option'],
    ["text for a number", { hidden_size: "768" }, '"hidden_size" is "768": Invalid input'],
    ["a negative size", { vocab_size: -1 }, '"vocab_size" is -1: Too small'],
    ["a huge size", { vocab_size: 2 ** 40 }, '"vocab_size" is 1099511627776: Too big'],
    ["a huge product", { vocab_size: 10_000_000, hidden_size: 12_000 }, "more than any such model has"],
    ["a rate over 1", { hidden_dropout_prob: 1.5 }, '"hidden_dropout_prob" is 1.5: Too big'],
    [
      "a rate that leaves nothing",
      { hidden_dropout_prob: 1 },
      'config.json: "hidden_dropout_prob" is 1: Too big: expected number to be <1; correct it, or use the config.json of the weights',
    ],
    [
      "such a rate of attention",
      { attention_probs_dropout_prob: 1 },
      '"attention_probs_dropout_prob" is 1: Too big',
    ],
    ["such a rate of the head", { classifier_dropout: 1 }, '"classifier_dropout" is 1: Too big'],
    [
      "such a rate under a family's own name",
      { model_type: "albert", classifier_dropout_prob: 1 },
      '"classifier_dropout_prob" is 1: Too big',
    ],
    ["a negative rate", { hidden_dropout_prob: -0.1 }, '"hidden_dropout_prob" is -0.1: Too small'],
    [
      "weights that start as nothing",
      { initializer_range: 0 },
      'config.json: "initializer_range" is 0: Too small: expected number to be >0; correct it',
    ],
    ["norms that divide by nothing", { layer_norm_eps: 0 }, '"layer_norm_eps" is 0: Too small'],
    [
      "a padding token beyond the vocabulary",
      { vocab_size: 100, pad_token_id: 100 },
      "config.json: pad_token_id 100 is not below vocab_size 100; correct it, or use the config.json of the weights",
    ],
    ["a padding token below it", { pad_token_id: -1 }, '"pad_token_id" is -1: Too small'],
    ["a text of many lines", { hidden_act: "\n".repeat(1000) }, '"hidden_act" is "\\n\\n'],
    [
      "a gap in id2label",
      { id2label: { "0": "a", "2": "b" } },
      "id2label does not number its 2 labels from 0 to 1",
    ],
    ["ids that are none", { id2label: { a: "a" } }, '"id2label.a"'],
    ["two equal labels", { id2label: { "0": "a", "1": "a" } }, 'id2label has two labels named "a"'],
    [
      "no position left",
      { model_type: "roberta", max_position_embeddings: 2 },
      "max_position_embeddings 2 leaves no position after pad_token_id 1",
    ],
  ])("%s", (_, json, message) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: "ERR_FINETAG_MODEL" }));
    expect(() => parse(json)).toThrow(message);
    expect(() => parse(json)).toThrow(/^[^\n]*$/);
  });

  it.each([null, [], 3])("%j instead of an object", (json) => {
    expect(() => parseModelConfig(json, "config.json")).toThrow("config.json: not a JSON object");
  });
});

describe("takes", () => {
  it.each([
    { hidden_dropout_prob: 0.999, attention_probs_dropout_prob: 0.999, classifier_dropout: 0.999 },
    { hidden_dropout_prob: 0, initializer_range: 1e-30, layer_norm_eps: 1e-30 },
    { vocab_size: 100, pad_token_id: 99 },
    { model_type: "roberta", vocab_size: 1, pad_token_id: 0, max_position_embeddings: 2 },
    { model_type: "albert", classifier_dropout_prob: 0.999, num_hidden_groups: 12 },
    { model_type: "distilbert", dropout: 0.999, n_layers: 1, dim: 1, n_heads: 1, hidden_dim: 1 },
  ])("at the bounds what the engine takes as well: %j", async (json) => {
    const config = { ...parse(json).native, numLabels: 1 };
    const addon = await openAddon();
    const options = { config, device: "meta", threads: 1, seed: 0, precision: "float32" } as const;
    await (await ModelSession.create(addon, options)).dispose();
  });
});

describe("assertVocabulary", () => {
  it("refuses ids beyond the embedding table", () => {
    const config = { directory: "/models/m", ...parse({ vocab_size: 100, hidden_size: 12 }) };
    assertVocabulary({ maxTokenId: 99 }, config);
    expect(() => assertVocabulary({ maxTokenId: 100 }, config)).toThrow(
      "/models/m: the tokenizer has ids up to 100, but config.json has vocab_size 100",
    );
  });
});
