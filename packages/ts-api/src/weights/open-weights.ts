import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { listNames, PYTORCH, SAFETENSORS } from "../io/index.ts";
import { openSafetensors } from "./safetensors/index.ts";
import { openShards } from "./shards.ts";
import { findCheckpoint, missingCheckpoint } from "./tensorflow/index.ts";
import type { TensorFile } from "./tensors.ts";

/** One way in which a directory may hold weights. */
interface Format {
  /** The file to open, or a prefix of several; undefined where the directory has none. */
  find(dir: string, names: readonly string[]): string | undefined | Promise<string | undefined>;
  open(path: string): Promise<TensorFile>;
}

// Read by libraries that most models do without.
const openPytorch: Format["open"] = async (path) => (await import("./pytorch/read.ts")).openPytorch(path);
const openTensorflow: Format["open"] = async (path) =>
  (await import("./tensorflow/read.ts")).openTensorflow(path);

const safetensors = { extension: ".safetensors", noun: "safetensors file", open: openSafetensors };
const pytorch = { extension: ".bin", noun: "PyTorch file (.bin)", open: openPytorch };

/** The first that a directory holds is read. */
const FORMATS: readonly Format[] = [
  { find: named(SAFETENSORS.whole), open: openSafetensors },
  { find: named(SAFETENSORS.index), open: (path) => openShards(path, safetensors) },
  { find: named(PYTORCH.whole), open: openPytorch },
  { find: named(PYTORCH.index), open: (path) => openShards(path, pytorch) },
  { find: findCheckpoint, open: openTensorflow },
  { find: onlyPytorch, open: openPytorch },
];

function named(name: string): Format["find"] {
  return (dir, names) => (names.includes(name) ? join(dir, name) : undefined);
}

/** Files of torch next to a model's weights, as Trainer and Accelerate leave them. */
const NO_WEIGHTS =
  /^(training_args|optimizer|scheduler|scaler|random_states_\d+|rng_state(_\d+)?)\.(bin|pth?|pkl)$/;

function onlyPytorch(dir: string, names: readonly string[]): string | undefined {
  const found = names.filter((name) => /\.(bin|pth?|ckpt)$/.test(name) && !NO_WEIGHTS.test(name));
  if (found.length <= 1) return found[0] && join(dir, found[0]);
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${dir}: has ${found.length} PyTorch files (${found.sort().slice(0, 3).join(", ")}${found.length > 3 ? ", …" : ""}); ` +
      `rename the one you mean to ${PYTORCH.whole}`,
  );
}

/**
 * Opens a model's weights: safetensors, PyTorch's `.bin` (`.pt`, `.pth`, `.ckpt`), or a TensorFlow checkpoint,
 * each in one file or in shards. Where a directory has several, the first of these is taken.
 *
 * @param place A directory, or the path of the weights: a file, an index of shards, or a checkpoint's prefix.
 * @throws ERR_FINETAG_MODEL where there are no weights, with what to do about another format; and all that the
 *   reader of the format throws.
 */
export async function openWeights(place: string): Promise<TensorFile> {
  if ((await directoryOf(place)) !== place) return formatOf(place).open(place);
  const { path, open } = await chooseWeights(place);
  return open(path);
}

/** The model's directory, for a directory itself or the path of weights in it. */
export async function directoryOf(place: string): Promise<string> {
  const info = await stat(place).catch(() => undefined);
  if (info?.isDirectory()) return place;
  const isPrefix = await stat(`${place}.index`).then(
    () => true,
    () => false,
  );
  return info !== undefined || isPrefix ? dirname(place) : place;
}

/** By the path's ending. */
function formatOf(path: string): Pick<Format, "open"> {
  const sharded = [safetensors, pytorch].find(({ extension }) => path.endsWith(`${extension}.index.json`));
  if (sharded !== undefined) return { open: (index) => openShards(index, sharded) };
  if (path.endsWith(".safetensors")) return { open: openSafetensors };
  return { open: existsSync(`${path}.index`) ? openTensorflow : openPytorch };
}

/** What {@link openWeights} opens: a file, or a TensorFlow checkpoint's path without `.index`. */
export async function findWeights(dir: string): Promise<string> {
  return (await chooseWeights(dir)).path;
}

async function chooseWeights(dir: string): Promise<{ path: string; open: Format["open"] }> {
  const names = await listNames(dir);
  for (const { find, open } of FORMATS) {
    const path = await find(dir, names);
    if (path !== undefined) return { path, open };
  }
  throw noWeights(dir, names, await missingCheckpoint(dir, names));
}

const FROM_ELSEWHERE =
  "fetch the model with safetensors or PyTorch weights (`finetag pull` lists some), or save it again as such";

/** Files of weights that are not read, and what to do about them. */
const OTHER_FORMATS: { pattern: RegExp; what: string; remedy: string }[] = [
  { pattern: /\.h5$|\.keras$/, what: "Keras weights, which finetag does not read", remedy: FROM_ELSEWHERE },
  { pattern: /\.msgpack$/, what: "Flax weights, which finetag does not read", remedy: FROM_ELSEWHERE },
  {
    pattern: /\.onnx$|\.gguf$|\.tflite$|\.pb$/,
    what: "a model made for inference only",
    remedy: FROM_ELSEWHERE,
  },
  {
    pattern: /\.data-\d{5}-of-\d{5}$|\.ckpt(-\d+)?\.meta$/,
    what: "a part of a TensorFlow checkpoint without its .index",
    remedy: "copy all of its files (.index and .data-…)",
  },
];

/** @param missing What `tf.train.Saver` noted as the newest checkpoint. */
function noWeights(dir: string, names: readonly string[], missing: string | undefined): FinetagError {
  for (const { pattern, what, remedy } of OTHER_FORMATS) {
    const found = [...names].sort().find((name) => pattern.test(name));
    if (found === undefined) continue;
    return new FinetagError("ERR_FINETAG_MODEL", `${dir}: has ${found}, ${what}; ${remedy}`);
  }
  if (missing !== undefined) {
    return new FinetagError(
      "ERR_FINETAG_MODEL",
      `${dir}: its file \`checkpoint\` names the TensorFlow checkpoint ${JSON.stringify(missing)}, which is missing; ` +
        "copy all of its files (.index and .data-…)",
    );
  }
  return new FinetagError(
    "ERR_FINETAG_MODEL",
    `${dir}: has no weights (${SAFETENSORS.whole}, ${PYTORCH.whole}, or a TensorFlow checkpoint); ` +
      `give a model's folder, or fetch a model (\`finetag pull ${basename(dir)}\`)`,
  );
}
