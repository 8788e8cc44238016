/** Files that are whole, but are not what their name says. */

import { FinetagError } from "../errors/index.ts";
import { isLfsPointer, LFS_POINTER } from "../io/index.ts";
import type { InputFile } from "./input.ts";
import { damaged } from "./tensors.ts";

const START_BYTES = 64;

/** Of a TensorFlow checkpoint's index, and of a checkpoint in one file: a table of LevelDB. */
export const FOOTER_BYTES = 48;
const TABLE_MAGIC = 0xdb4775248b80fb57n;

/** What identifies a file's format. */
interface Ends {
  start: Buffer;
  end: Buffer;
  size: number;
}

interface Kind {
  is(ends: Ends): boolean;
  what: string;
}

const KINDS: readonly Kind[] = [
  { is: ({ size }) => size === 0, what: "it is empty; fetch it again" },
  { is: ({ start }) => isLfsPointer(start), what: LFS_POINTER },
  {
    is: ({ start }) => /^\s*<(!doctype|html|\?xml)/i.test(start.toString("latin1")),
    what: "it is a web page; fetch the file itself",
  },
  { is: startsWith(0x1f, 0x8b), what: "it is compressed with gzip; decompress it first" },
  {
    is: isZip,
    what: "it is a zip archive; if torch.save wrote it, name it pytorch_model.bin, otherwise unpack it",
  },
  {
    is: startsWith(0x89, 0x48, 0x44, 0x46),
    what: "it is HDF5 (Keras), which finetag does not read; save the model as safetensors",
  },
  { is: isSafetensors, what: "it is a safetensors file; name it model.safetensors" },
  {
    is: ({ end }) => isTable(end),
    what: "it is a TensorFlow checkpoint in one file (V1), which finetag does not read; save it again as V2, with an .index",
  },
];

export function isZip({ start }: Pick<Ends, "start">): boolean {
  return startsWith(0x50, 0x4b, 0x03, 0x04)({ start });
}

/** It begins with the length of its header, which is JSON. */
export function isSafetensors({ start, size }: Pick<Ends, "start" | "size">): boolean {
  return start.length > 8 && start[8] === 0x7b && start.readBigUInt64LE() < BigInt(size);
}

/** Whether a file ends as a table of LevelDB does. */
export function isTable(bytes: Uint8Array): boolean {
  const end = bytes.byteLength;
  if (end < FOOTER_BYTES) return false;
  return new DataView(bytes.buffer, bytes.byteOffset, end).getBigUint64(end - 8, true) === TABLE_MAGIC;
}

function startsWith(...bytes: number[]) {
  return ({ start }: Pick<Ends, "start">) => start.subarray(0, bytes.length).equals(Buffer.from(bytes));
}

/** The bytes by which a file's kind is known, as far as they are at its begin. */
export async function readStart(file: InputFile): Promise<Buffer> {
  return Buffer.from(await file.read(0, Math.min(file.size, START_BYTES)));
}

/**
 * The error for a file that does not start like the expected format: what it is instead, if that is known.
 *
 * @param otherwise What is wrong with it, if it is of that form after all.
 * @param isExpected Knows the expected form, where it is one of {@link KINDS}.
 */
export async function foreign(
  file: InputFile,
  otherwise: string,
  isExpected?: Kind["is"],
): Promise<FinetagError> {
  const { size } = file;
  const start = await readStart(file);
  const end = Buffer.from(await file.read(Math.max(0, size - FOOTER_BYTES), size));
  const kind = KINDS.find(({ is }) => is !== isExpected && is({ start, end, size }));
  if (kind === undefined) return damaged(file.path, otherwise);
  return new FinetagError("ERR_FINETAG_MODEL", `${file.path}: ${kind.what}`);
}
