// A BERT with random weights, written without Python: for benchmarks in which finetag is compared with itself.

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { uniformNumbers } from "./uniform.mjs";

/** Layers, hidden size and heads: those of a tiny BERT, of MiniLM and of BERT-base. */
export const SHAPES = { "2x128": [2, 128, 2], "6x384": [6, 384, 12], "12x768": [12, 768, 12] };

const VOCABULARY_SIZE = 30_522;
const POSITIONS = 512;
const SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/**
 * Writes a classifier that `Classifier.fromPretrained` opens, with a vocabulary of made-up words.
 *
 * @returns the path of its vocabulary
 */
export function writeRandomModel(folder, shape, labelCount) {
  const [layers, hidden, heads] = SHAPES[shape];
  mkdirSync(folder, { recursive: true });
  const labels = Array.from({ length: labelCount }, (_, i) => `label${i}`);
  const config = {
    architectures: ["BertForSequenceClassification"],
    model_type: "bert",
    vocab_size: VOCABULARY_SIZE,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * hidden,
    hidden_act: "gelu",
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    max_position_embeddings: POSITIONS,
    type_vocab_size: 2,
    initializer_range: 0.02,
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
    problem_type: "multi_label_classification",
    id2label: Object.fromEntries(labels.entries()),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ do_lower_case: true }));
  const vocabulary = join(folder, "vocab.txt");
  writeFileSync(vocabulary, [...SPECIALS, ...words(VOCABULARY_SIZE - SPECIALS.length), ""].join("\n"));
  writeSafetensors(join(folder, "model.safetensors"), tensors(layers, hidden, labelCount));
  return vocabulary;
}

/** aaaa, aaab, …: none is a piece of another. */
function words(count) {
  const letter = (n) => String.fromCharCode(97 + (n % 26));
  return Array.from({ length: count }, (_, i) =>
    [17_576, 676, 26, 1].map((place) => letter(Math.floor(i / place))).join(""),
  );
}

function tensors(layers, hidden, labelCount) {
  const linear = (name, out, into) => [
    [`${name}.weight`, [out, into]],
    [`${name}.bias`, [out]],
  ];
  const norm = (name) => linear(name, hidden, 0).map(([tensor]) => [tensor, [hidden]]);
  const layer = (i) => {
    const at = `bert.encoder.layer.${i}`;
    return [
      ...["query", "key", "value"].flatMap((part) => linear(`${at}.attention.self.${part}`, hidden, hidden)),
      ...linear(`${at}.attention.output.dense`, hidden, hidden),
      ...norm(`${at}.attention.output.LayerNorm`),
      ...linear(`${at}.intermediate.dense`, 4 * hidden, hidden),
      ...linear(`${at}.output.dense`, hidden, 4 * hidden),
      ...norm(`${at}.output.LayerNorm`),
    ];
  };
  return [
    ["bert.embeddings.word_embeddings.weight", [VOCABULARY_SIZE, hidden]],
    ["bert.embeddings.position_embeddings.weight", [POSITIONS, hidden]],
    ["bert.embeddings.token_type_embeddings.weight", [2, hidden]],
    ...norm("bert.embeddings.LayerNorm"),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    ...linear("bert.pooler.dense", hidden, hidden),
    ...linear("classifier", labelCount, hidden),
  ];
}

function writeSafetensors(path, shapes) {
  const header = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = openSync(path, "w");
  const uniform = uniformNumbers(0);
  writeSync(file, length);
  writeSync(file, json);
  for (const [name, shape] of shapes) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    if (name.endsWith("LayerNorm.weight")) values.fill(1);
    // The standard deviation of an even distribution is its range by the root of 12: here BERT's 0.02.
    else if (!name.endsWith("bias"))
      for (let i = 0; i < values.length; i++) values[i] = (uniform() - 0.5) * 0.0693;
    writeSync(file, new Uint8Array(values.buffer));
  }
  closeSync(file);
}
