import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { decodeUtf8, readSmallFile, TENSORFLOW_PART } from "../../io/index.ts";

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
 * @returns Its prefix, `DIR/bert_model.ckpt`; undefined if there is none.
 * @throws ERR_FINETAG_MODEL where there are several and nothing says which one to use.
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
  const hasState = names.includes(STATE);
  const newest = hasState ? await readState(join(dir, STATE)) : undefined;
  if (newest !== undefined && prefixes.includes(newest)) return join(dir, newest);
  if (prefixes.length === 1) return join(dir, prefixes[0]!);
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${dir}: has ${prefixes.length} TensorFlow checkpoints (${prefixes.sort().slice(0, 3).join(", ")}${prefixes.length > 3 ? ", …" : ""}), ` +
      whyNone(hasState, newest),
  );
}

function whyNone(hasState: boolean, newest: string | undefined): string {
  const remedy = "keep the files of one only";
  if (!hasState) return `and no file \`checkpoint\` says which one to use; ${remedy}`;
  if (newest === undefined) return `and its file \`checkpoint\` does not say which one to use; ${remedy}`;
  return `and its file \`checkpoint\` names ${JSON.stringify(newest)}, which is not one of them; copy its files there, or ${remedy}`;
}

/**
 * The checkpoint that a folder without any should have, as far as its file `checkpoint` says.
 *
 * @param names What the folder holds.
 */
export async function missingCheckpoint(dir: string, names: readonly string[]): Promise<string | undefined> {
  if (!names.includes(STATE)) return undefined;
  return readState(join(dir, STATE)).catch(() => undefined); // it may as well be something else, as a folder
}

/** Of a file's name, in any file system. */
const NAME_LIMIT_BYTES = 255;

/** The newest checkpoint by its file name: the folder may have been moved since. */
async function readState(path: string): Promise<string | undefined> {
  const text = decodeUtf8(await readSmallFile(path, "ERR_FINETAG_MODEL"), path, "ERR_FINETAG_MODEL");
  const match = /^[ \t]*model_checkpoint_path:[ \t]*"(.*)"/m.exec(text);
  const name = match && unescapeText(match[1]!).split(/[/\\]/).at(-1)!;
  return name && Buffer.byteLength(name) <= NAME_LIMIT_BYTES ? name : undefined;
}

const CONTROLS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

/** Protocol buffers' text format escapes the bytes of UTF-8, each on its own (google/protobuf/text_encoding.py, CEscape). */
function unescapeText(text: string): string {
  const bytes = Buffer.from(text)
    .toString("latin1")
    .replaceAll(/\\(?:([0-7]{1,3})|(.))/g, (_, octal: string | undefined, other: string) =>
      octal === undefined ? (CONTROLS[other] ?? other) : String.fromCharCode(Number.parseInt(octal, 8)),
    );
  return Buffer.from(bytes, "latin1").toString();
}
