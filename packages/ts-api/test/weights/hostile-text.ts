/** Small files of text next to the weights that are not what they should be: read or refused, as the weights are. */
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FinetagError } from "../../src/index.ts";
import { readModelConfig } from "../../src/models/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { damage } from "../damage.ts";
import { damageJson } from "../damage-json.ts";
import { countOutcomes, type Outcomes } from "../fuzz.ts";
import { TINY_CONFIG } from "../training/tiny.ts";
import { writeFloats } from "./build.ts";

/** A file of text that says how a directory is read. */
export interface Sample {
  name: string;
  file: string;
  contents: string;
  /** Puts what the file speaks of into a directory. */
  prepare(dir: string): Promise<void>;
  /** A number that tells what was read. */
  read(dir: string): Promise<number>;
}

const FIXTURES = fileURLToPath(new URL("fixtures", import.meta.url));

function indexOf(weightMap: Record<string, string>): string {
  return JSON.stringify({ metadata: { total_size: 36 }, weight_map: weightMap }, null, 2);
}

export const SAMPLES: readonly Sample[] = [
  {
    name: "the index of safetensors",
    file: "model.safetensors.index.json",
    contents: indexOf({ a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" }),
    async prepare(dir) {
      await writeFloats(join(dir, "one.safetensors"), { a: [1, 2], b: [3] });
      await writeFloats(join(dir, "two.safetensors"), { c: [4, 5, 6] });
    },
    read: readTensors,
  },
  {
    name: "the index of PyTorch files",
    file: "pytorch_model.bin.index.json",
    contents: indexOf({ weight: "one.bin", bias: "one.bin", rows: "two.bin", half: "two.bin" }),
    async prepare(dir) {
      await copyFile(join(FIXTURES, "pytorch/module.bin"), join(dir, "one.bin"));
      await copyFile(join(FIXTURES, "pytorch/zip.bin"), join(dir, "two.bin"));
    },
    read: readTensors,
  },
  {
    name: "the newest of TensorFlow's checkpoints",
    file: "checkpoint",
    contents:
      'model_checkpoint_path: "/runs/\\345\\237\\272/model.ckpt-2"\n' +
      'all_model_checkpoint_paths: "/runs/\\345\\237\\272/model.ckpt-1"\n' +
      'all_model_checkpoint_paths: "/runs/\\345\\237\\272/model.ckpt-2"\n',
    async prepare(dir) {
      for (const prefix of ["model.ckpt-1", "model.ckpt-2"]) {
        for (const ending of [".index", ".data-00000-of-00001"])
          await copyFile(join(FIXTURES, "tensorflow/trained", prefix + ending), join(dir, prefix + ending));
      }
    },
    read: async (dir) => {
      const file = await openWeights(dir);
      await file.close();
      return Number(/(\d)\.index$/.exec(file.files[0]!.path)![1]);
    },
  },
  {
    name: "the config of a model",
    file: "config.json",
    contents: JSON.stringify({ ...TINY_CONFIG, id2label: { 0: "joy", 1: "anger" } }, null, 2),
    prepare: async () => {},
    read: async (dir) => (await readModelConfig(dir)).native.vocabSize,
  },
];

async function readTensors(dir: string): Promise<number> {
  const file = await openWeights(dir);
  try {
    let total = 0;
    for (const { name } of file.entries()) total += (await file.readBytes(name)).byteLength;
    return total;
  } finally {
    await file.close();
  }
}

/**
 * Reads a prepared directory with these contents of the file, or sees them refused by one line that says where, what, and
 * what to do.
 *
 * @returns As {@link Sample.read}, or the error's message.
 */
export async function readOrRefuse(
  dir: string,
  { file, read }: Sample,
  contents: Uint8Array,
  what: string,
): Promise<number | string> {
  await writeFile(join(dir, file), contents);
  try {
    return await read(dir);
  } catch (error) {
    const { code, message } = error as FinetagError;
    const isClear = /^[^\n]*: [^\n]*; [^\n]*$/.test(message) && message.startsWith(dir);
    if (error instanceof FinetagError && code === "ERR_FINETAG_MODEL" && isClear) return message;
    throw new Error(`${what}: ${code}: ${message.slice(0, 2000)}`, { cause: error });
  }
}

/** Rounds of damage to bytes and, where the file is one of JSON, as often to its values. */
export async function fuzz(dir: string, sample: Sample, seed: number, rounds: number): Promise<Outcomes> {
  const { name, file, contents, prepare } = sample;
  await prepare(dir);
  const files = { [file]: Buffer.from(contents) };
  return countOutcomes(name, files, {
    seed,
    rounds,
    damage: (damaged, random) =>
      random.below(2) === 0 ? damage(damaged, random) : damageJson(damaged, random),
    readOrRefuse: (damaged, what) => readOrRefuse(dir, sample, damaged[file]!, what),
  });
}
