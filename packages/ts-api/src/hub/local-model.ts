import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FinetagError, nearest } from "../errors/index.ts";

/** Of a TensorFlow checkpoint's files: what follows the name that `--init_checkpoint` of Google's scripts takes. */
const CHECKPOINT_FILE = /\.(index|meta|data-\d{5}-of-\d{5})$/;
const WEIGHTS_FILE = /\.(safetensors|bin|pth?|ckpt)(\.index\.json)?$/;

/**
 * The model at this path: its directory; where the path is that of weights, the directory that contains them, or the
 * weights themselves if others would be read from that directory.
 *
 * @returns Undefined if there is nothing at this path.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a file that is not the weights of a model.
 */
export async function findLocal(path: string): Promise<string | undefined> {
  const prefix = path.replace(CHECKPOINT_FILE, "");
  const [info, index] = await Promise.all(
    [path, `${prefix}.index`].map((each) => stat(each).catch(() => undefined)),
  );
  if (info?.isDirectory()) return path;
  if (info === undefined && index === undefined) return undefined;
  if (index === undefined && !WEIGHTS_FILE.test(path)) {
    throw new FinetagError("ERR_FINETAG_MODEL", `${path}: is a file; give the model's directory`);
  }
  const weights = index === undefined ? path : prefix;
  const { findWeights } = await import("../weights/index.ts");
  // Without a usual choice, as among several checkpoints, the one that is named is no less clear.
  const usual = await findWeights(dirname(path)).catch(() => undefined);
  return usual !== undefined && resolve(usual) === resolve(weights) ? dirname(path) : weights;
}

/** Whether a name can only be that of a file or folder. */
export function isPath(name: string): boolean {
  return /^[./~\\]|\\|\/.*\/|\/$/.test(name) || isWeights(name);
}

function isWeights(name: string): boolean {
  return [WEIGHTS_FILE, CHECKPOINT_FILE, /\.ckpt-\d+$/].some((pattern) => pattern.test(name));
}

/** Says that there is no such folder, or file of weights, and which one there is. */
export async function noSuchFolder(name: string): Promise<string> {
  const parent = dirname(name);
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => undefined);
  const missing = entries === undefined && parent !== "." ? ` (nor a folder ${parent})` : "";
  const isFile = isWeights(name);
  const candidates = entries?.filter((entry) => isFile || !entry.isFile()).map((entry) => entry.name);
  const meant = nearest(basename(name), candidates ?? []);
  return `there is no such ${isFile ? "file" : "folder"}${missing}${meant === undefined ? "" : `; did you mean "${join(parent, meant)}"?`}`;
}
