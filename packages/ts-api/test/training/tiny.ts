/** A tiny random BERT and data that it can learn, for tests that train for real. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../../src/data/index.ts";
import { writeSafetensors } from "../weights/write.ts";

const WORDS = [
  "the",
  "a",
  "is",
  "was",
  "very",
  "so",
  "this",
  "that",
  "it",
  "we",
  "saw",
  "had",
  "day",
  "thing",
];
/** A label is given where one of its words occurs. */
export const LABEL_WORDS: Readonly<Record<string, readonly string[]>> = {
  joy: ["happy", "glad", "great"],
  anger: ["angry", "mad", "rage"],
  fear: ["afraid", "scared", "dread"],
};
export const LABELS = Object.keys(LABEL_WORDS);
const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const VOCABULARY = [...SPECIAL, ...WORDS, ...Object.values(LABEL_WORDS).flat()];

export const TINY_CONFIG = {
  architectures: ["BertModel"],
  model_type: "bert",
  vocab_size: VOCABULARY.length,
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 64,
  hidden_act: "gelu",
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  max_position_embeddings: 64,
  type_vocab_size: 2,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
};

/** Writes a bare encoder, without the `bert.` prefix, as sentence-transformers models have it. */
export async function writeTinyModel(directory: string, changes: object = {}): Promise<string> {
  const config = { ...TINY_CONFIG, ...changes };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "config.json"), JSON.stringify(config));
  await writeFile(join(directory, "vocab.txt"), `${VOCABULARY.join("\n")}\n`);
  await writeFile(join(directory, "tokenizer_config.json"), JSON.stringify({ do_lower_case: true }));
  const random = new Random(1);
  const tensors = encoderShapes(config).map(({ name, shape }) => ({
    name,
    shape,
    read: async () =>
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => initial(name, random)),
  }));
  await writeSafetensors(join(directory, "model.safetensors"), tensors);
  return directory;
}

function initial(name: string, random: Random): number {
  if (name.endsWith("LayerNorm.weight")) return 1;
  if (name.endsWith("bias")) return 0;
  // Words that stand out against positions make the task learnable in a few dozen steps.
  const scale = name.includes("word_embeddings") ? 1 : 0.1;
  return ((random.below(2001) - 1000) / 1000) * scale;
}

function encoderShapes(config: typeof TINY_CONFIG): { name: string; shape: number[] }[] {
  const { hidden_size: H, intermediate_size: I } = config;
  const dense = (name: string, out: number, into: number) => [
    { name: `${name}.weight`, shape: [out, into] },
    { name: `${name}.bias`, shape: [out] },
  ];
  const norm = (name: string) => [
    { name: `${name}.LayerNorm.weight`, shape: [H] },
    { name: `${name}.LayerNorm.bias`, shape: [H] },
  ];
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => `encoder.layer.${i}`);
  return [
    { name: "embeddings.word_embeddings.weight", shape: [config.vocab_size, H] },
    { name: "embeddings.position_embeddings.weight", shape: [config.max_position_embeddings, H] },
    { name: "embeddings.token_type_embeddings.weight", shape: [config.type_vocab_size, H] },
    ...norm("embeddings"),
    ...layers.flatMap((layer) => [
      ...["query", "key", "value"].flatMap((part) => dense(`${layer}.attention.self.${part}`, H, H)),
      ...dense(`${layer}.attention.output.dense`, H, H),
      ...norm(`${layer}.attention.output`),
      ...dense(`${layer}.intermediate.dense`, I, H),
      ...dense(`${layer}.output.dense`, H, I),
      ...norm(`${layer}.output`),
    ]),
    ...dense("pooler.dense", H, H),
  ];
}

export interface TinyRow {
  text: string;
  labels: string[];
}

/** Texts of 3 to 12 words, a third of them with a label's word, seldom two. */
export function tinyRows(count: number, seed: number): TinyRow[] {
  const random = new Random(seed);
  const pick = (list: readonly string[]) => list[random.below(list.length)]!;
  return Array.from({ length: count }, () => {
    const words = Array.from({ length: 3 + random.below(10) }, () => pick(WORDS));
    const labels = LABELS.filter(() => random.below(3) === 0);
    for (const label of labels) words.splice(random.below(words.length + 1), 0, pick(LABEL_WORDS[label]!));
    return { text: words.join(" "), labels };
  });
}

/** A CSV with one 0/1 column for each label. */
export async function writeTinyCsv(path: string, rows: TinyRow[], labels = LABELS): Promise<string> {
  const lines = rows.map(
    ({ text, labels: given }, id) =>
      `${id},${text},${labels.map((label) => (given.includes(label) ? 1 : 0)).join(",")}`,
  );
  await writeFile(path, `id,text,${labels.join(",")}\n${lines.join("\n")}\n`);
  return path;
}
