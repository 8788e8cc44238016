/** Files that are not what they should be, made from good ones: read or refused, and nothing else may happen. */
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { FinetagError } from "../../src/index.ts";
import { openWeights } from "../../src/weights/index.ts";
import { damage, type Files } from "../damage.ts";
import { countOutcomes, type FuzzRun, type Outcomes } from "../fuzz.ts";
import { sealTensorflow, sealZip } from "./seal.ts";

/** A small model of a format: the names that its files have in a model directory, and where they come from. */
export interface Sample {
  name: string;
  files: Readonly<Record<string, string>>;
  /** For a format with checksums: see {@link FuzzRun.seal}. */
  seal?: (files: Files) => Files;
  /** What its pickle calls, to leave the file {@link MARK} behind. */
  calls?: string;
}

export const SAMPLES: readonly Sample[] = [
  { name: "safetensors", files: { "model.safetensors": "dtypes.safetensors" } },
  {
    name: "TensorFlow",
    files: {
      "a.ckpt.index": "tensorflow/dtypes.ckpt.index",
      "a.ckpt.data-00000-of-00001": "tensorflow/dtypes.ckpt.data-00000-of-00001",
    },
    seal: sealTensorflow,
  },
  {
    name: "TensorFlow with Snappy",
    files: {
      "a.ckpt.index": "tensorflow/snappy.ckpt.index",
      "a.ckpt.data-00000-of-00001": "tensorflow/snappy.ckpt.data-00000-of-00001",
    },
    seal: sealTensorflow,
  },
  { name: "PyTorch", files: { "pytorch_model.bin": "pytorch/module.bin" }, seal: sealZip },
  { name: "PyTorch, many storages", files: { "pytorch_model.bin": "pytorch/zip.bin" }, seal: sealZip },
  { name: "PyTorch before 1.6", files: { "pytorch_model.bin": "pytorch/legacy.bin" } },
  {
    name: "PyTorch that calls",
    files: { "pytorch_model.bin": "pytorch/system.bin" },
    seal: sealZip,
    calls: "posix.system",
  },
  {
    name: "PyTorch before 1.6 that calls",
    files: { "pytorch_model.bin": "pytorch/system-legacy.bin" },
    calls: "posix.system",
  },
  {
    name: "PyTorch that evaluates",
    files: { "pytorch_model.bin": "pytorch/eval.bin" },
    seal: sealZip,
    calls: "builtins.eval",
  },
];

/** In the working directory, were one of the pickles run. */
const MARK = "finetag-was-here";

const FIXTURES = fileURLToPath(new URL("fixtures", import.meta.url));

export async function readSample({ files }: Sample): Promise<Files> {
  const entries = Object.entries(files).map(async ([name, from]) => [
    name,
    await readFile(join(FIXTURES, from)),
  ]);
  return Object.fromEntries(await Promise.all(entries)) as Files;
}

/** Nothing of a few kilobytes stands for more. */
const BYTES_LIMIT = 1 << 20;

/**
 * Reads all tensors of a directory with these files, or sees them refused by one line that says which file it is.
 *
 * @returns The number of tensors that could be read, or the error's message.
 */
export async function readOrRefuse(dir: string, files: Files, what: string): Promise<number | string> {
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dir, name), bytes);
  let read = 0;
  let total = 0;
  try {
    const file = await openWeights(dir);
    try {
      for (const { name } of file.entries()) {
        total += (await file.readBytes(name)).byteLength;
        read++;
      }
      for (const { name, dtype } of file.entries()) {
        if (/^(F|BF)/.test(dtype))
          for await (const part of file.readParts(name)) total += part.data.byteLength;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    expect(error, what).toBeInstanceOf(FinetagError);
    const { code, message } = error as FinetagError;
    expect(code, `${what}: ${message}`).toBe("ERR_FINETAG_MODEL");
    expect(message, what).toMatch(/^[^\n]*: [^\n]*; [^\n]*$/);
    expect(message.length, what).toBeLessThanOrEqual(2000);
    expect(message.startsWith(dir), `${what}: ${message}`).toBe(true);
    return message;
  }
  expect(total, what).toBeLessThan(BYTES_LIMIT);
  return read;
}

/** Rounds of {@link damage}: a good part of what a checksum stops is refused for itself as well, and nothing is run. */
export async function fuzz(dir: string, sample: Sample, seed: number, rounds: number): Promise<Outcomes> {
  const counts = await countOutcomes(sample.name, await readSample(sample), {
    seed,
    rounds,
    damage,
    seal: sample.seal,
    readOrRefuse: (files, what) => readOrRefuse(dir, files, what),
  });
  expect(3 * counts.beyond, JSON.stringify(counts)).toBeGreaterThanOrEqual(counts.stopped);
  expect(existsSync(MARK)).toBe(false);
  return counts;
}
