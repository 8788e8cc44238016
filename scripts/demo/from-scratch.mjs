import { open, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { replaceFolder } from "./files.mjs";

export const SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const VOCAB_SIZE = 8192;
const SHAPE = {
  hidden_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 512,
  max_position_embeddings: 128,
  type_vocab_size: 2,
};

const api = (module) => import(join(ROOT, "packages", "ts-api", "dist", module, "index.js"));

/**
 * Writes a small BERT with random weights into `folder`, in the form of a downloaded one: config, WordPiece
 * vocabulary learned from the texts, weights. Only after the build, whose output it imports.
 *
 * @param read a data file for `openData`
 */
export async function makeRandomModel(folder, read) {
  const { openData } = await api("data");
  await replaceFolder(folder, async (fresh) => {
    const vocabulary = await learnVocabulary(fresh, await openData(read, { requireLabels: false }));
    await writeRandomModel(fresh, vocabulary, SHAPE);
  });
}

/**
 * The same of any shape, with the words that it is to know.
 *
 * @param vocabulary pieces, the special ones first
 * @param shape as in config.json, all of SHAPE's sizes
 */
export async function writeRandomModel(folder, vocabulary, shape) {
  const { writeTensors } = await api("weights");
  await writeFile(join(folder, "vocab.txt"), vocabulary.map((piece) => `${piece}\n`).join(""));
  await writeJson(join(folder, "tokenizer_config.json"), {
    tokenizer_class: "BertTokenizer",
    do_lower_case: true,
    model_max_length: shape.max_position_embeddings,
  });
  await writeJson(join(folder, "config.json"), {
    architectures: ["BertModel"],
    model_type: "bert",
    vocab_size: vocabulary.length,
    ...shape,
    hidden_act: "gelu",
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    initializer_range: 0.02,
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
  });
  const normal = normalNumbers(42);
  const tensors = parameterShapes(vocabulary.length, shape).map(([name, sizes]) => ({
    name,
    shape: sizes,
    read: async () => initialValues(name, sizes, normal),
  }));
  const weights = await open(join(folder, "model.safetensors"), "w");
  try {
    await writeTensors(weights, tensors);
  } finally {
    await weights.close();
  }
}

/** Pieces in the order in which the trainer found them, so the first ones are what a smaller training would give. */
async function learnVocabulary(scratch, data) {
  const require = createRequire(join(ROOT, "packages", "ts-api", "package.json"));
  const { Tokenizer, WordPiece, bertNormalizer, bertPreTokenizer } = require("tokenizers");
  const texts = [];
  for await (const { text } of data.rows()) texts.push(text.replace(/\s+/g, " "));
  const file = join(scratch, "texts");
  await writeFile(file, texts.join("\n"));
  const tokenizer = new Tokenizer(WordPiece.empty());
  tokenizer.setNormalizer(bertNormalizer({ lowercase: true }));
  tokenizer.setPreTokenizer(bertPreTokenizer());
  tokenizer.train([file]);
  await rm(file);
  const pieces = Object.entries(tokenizer.getVocab(false))
    .sort(([, a], [, b]) => a - b)
    .map(([piece]) => piece)
    .filter((piece) => !SPECIALS.includes(piece));
  return [...SPECIALS, ...pieces].slice(0, VOCAB_SIZE);
}

/** BertModel's state dict. */
function parameterShapes(vocabSize, shape) {
  const { hidden_size: H, intermediate_size: F, max_position_embeddings: P } = shape;
  const linear = (name, out, input) => [
    [`${name}.weight`, [out, input]],
    [`${name}.bias`, [out]],
  ];
  const norm = (name) => [
    [`${name}.LayerNorm.weight`, [H]],
    [`${name}.LayerNorm.bias`, [H]],
  ];
  const layers = Array.from({ length: shape.num_hidden_layers }, (_, i) => {
    const layer = `encoder.layer.${i}`;
    return [
      ...["query", "key", "value"].flatMap((part) => linear(`${layer}.attention.self.${part}`, H, H)),
      ...linear(`${layer}.attention.output.dense`, H, H),
      ...norm(`${layer}.attention.output`),
      ...linear(`${layer}.intermediate.dense`, F, H),
      ...linear(`${layer}.output.dense`, H, F),
      ...norm(`${layer}.output`),
    ];
  });
  return [
    ["embeddings.word_embeddings.weight", [vocabSize, H]],
    ["embeddings.position_embeddings.weight", [P, H]],
    ["embeddings.token_type_embeddings.weight", [shape.type_vocab_size, H]],
    ...norm("embeddings"),
    ...layers.flat(),
    ...linear("pooler.dense", H, H),
  ];
}

/** As BERT begins: weights from N(0, 0.02²), biases 0, norms 1. */
function initialValues(name, shape, normal) {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  if (name.endsWith("LayerNorm.weight")) values.fill(1);
  else if (!name.endsWith(".bias")) for (let i = 0; i < values.length; i++) values[i] = 0.02 * normal();
  return values;
}

/** Standard normal numbers, by Box and Muller from a 32-bit generator (mulberry32): the same on every machine. */
function normalNumbers(seed) {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (((z ^ (z >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function writeJson(path, value) {
  return writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
