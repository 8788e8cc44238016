import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { decodeUtf8, readSmallFile } from "../../io/index.ts";
import { TENSORFLOW_PART } from "../../models/fileNames.ts";

const INDEX = ".index";

/** Where `tf.train.Saver` notes which of a folder's checkpoints is the newest. */
const STATE = "checkpoint";

/** The name of a checkpoint's data file. */
export function shardPath(prefix: string, shard: number, shards: number): string {
  const digits = (value: number) => String(value).padStart(5, "0");
  return `${prefix}.data-${digits(shard)}-of-${digits(shards)}`;
}

/**
 * Finds the checkpoint of a folder: the one that the file `checkpoint` names, else the only one.
 *
 * @param names What the folder holds.
 * @returns Its prefix, `DIR/bert_model.ckpt`; undefined where there is none.
 * @throws ERR_FINETAG_MODEL where there are several and nothing says which is meant.
 */
export async function findCheckpoint(dir: string, names: readonly string[]): Promise<string | undefined> {
  const stems = new Set(
    names.filter((name) => TENSORFLOW_PART.test(name)).map((name) => name.replace(TENSORFLOW_PART, "")),
  );
  const prefixes = names
    .filter((name) => name.endsWith(INDEX))
    .map((name) => name.slice(0, -INDEX.length))
    .filter((prefix) => stems.has(prefix) || prefix.includes(".ckpt"));
  if (prefixes.length === 0) return undefined;
  const newest = names.includes(STATE) ? await readState(join(dir, STATE)) : undefined;
  if (newest !== undefined && prefixes.includes(newest)) return join(dir, newest);
  if (prefixes.length === 1) return join(dir, prefixes[0]!);
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${dir}: holds ${prefixes.length} TensorFlow checkpoints (${prefixes.sort().slice(0, 3).join(", ")}${prefixes.length > 3 ? ", …" : ""}), ` +
      "and no file `checkpoint` says which one is meant; leave the files of one in it",
  );
}

/** The newest checkpoint by its file name: the folder may have been moved since. */
async function readState(path: string): Promise<string | undefined> {
  const text = decodeUtf8(await readSmallFile(path, "ERR_FINETAG_MODEL"), path, "ERR_FINETAG_MODEL");
  const match = /^\s*model_checkpoint_path:\s*"((?:[^"\\\n]|\\.)*)"/m.exec(text);
  return match?.[1]?.replaceAll(/\\(.)/g, "$1").split(/[/\\]/).at(-1);
}
