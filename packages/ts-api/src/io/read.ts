import { type FileHandle, readdir } from "node:fs/promises";
import { FinetagError, type FinetagErrorCode, oneLine } from "../errors/index.ts";
import { ioError, isNotFound } from "./errors.ts";
import { openToRead } from "./open.ts";

/** No config, index or tokenizer file comes near it; what does was named by mistake. */
const TEXT_LIMIT_BYTES = 256 * 1024 * 1024;
const TOO_LARGE = `it has more than ${TEXT_LIMIT_BYTES} bytes, too many for such a file; check that it is the right one`;

/** That of the Rust core of tokenizers. `JSON.parse` has none, but nearly all that is done with its result goes deep. */
const DEPTH_LIMIT = 128;

const READ_BYTES = 1024 * 1024;

/**
 * Reads a whole file of bytes.
 *
 * @throws ERR_FINETAG_IO where it cannot be read; `code` where it is larger than 256 MiB, or a pointer of Git LFS.
 */
export async function readSmallFile(path: string, code: FinetagErrorCode): Promise<Uint8Array> {
  const refuse = (what: string) => new FinetagError(code, `${path}: ${what}`);
  try {
    const { handle, size } = await openToRead(path);
    try {
      if (size > TEXT_LIMIT_BYTES) throw refuse(TOO_LARGE);
      const bytes = await readUpTo(handle, size, TEXT_LIMIT_BYTES + 1);
      if (bytes.length > TEXT_LIMIT_BYTES) throw refuse(TOO_LARGE);
      if (isLfsPointer(bytes)) throw refuse(LFS_POINTER);
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw ioError(error, "read", path);
  }
}

/** @param size What the file is said to have: it may grow, and those of /proc have none. */
async function readUpTo(handle: FileHandle, size: number, limit: number): Promise<Uint8Array> {
  let bytes = Buffer.allocUnsafeSlow(Math.min(size + 1, limit));
  for (let length = 0; ; ) {
    if (length === limit) return bytes;
    if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(length + READ_BYTES, limit));
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) return bytes.subarray(0, length);
    length += bytesRead;
  }
}

/** What Git leaves in place of a large file where its LFS extension is not installed. */
const LFS_START = Buffer.from("version https://git-lfs.github.com/spec/");
export const LFS_POINTER = "it is a Git LFS pointer, not the file itself; fetch the file with `git lfs pull`";

export function isLfsPointer(start: Uint8Array): boolean {
  return LFS_START.equals(start.subarray(0, LFS_START.length));
}

/**
 * The names in a folder.
 *
 * @throws ERR_FINETAG_IO where it cannot be read.
 */
export function listNames(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => Promise.reject(ioError(error, "read", folder)));
}

/**
 * Reads a JSON file in UTF-8, with or without a byte order mark.
 *
 * @throws `code` where it is not UTF-8 or not JSON, or nests without an end; ERR_FINETAG_IO where it cannot be read.
 */
export async function readJsonFile(path: string, code: FinetagErrorCode): Promise<unknown> {
  const json = parseJson(decodeUtf8(await readSmallFile(path, code), path, code), path, code);
  if (!isDeeper(json, DEPTH_LIMIT)) return json;
  throw new FinetagError(
    code,
    `${path}: its values are nested more than ${DEPTH_LIMIT} deep; fetch or write the file again`,
  );
}

/** As {@link readJsonFile}; undefined where there is no such file. */
export async function readJsonFileIfAny(path: string, code: FinetagErrorCode): Promise<unknown> {
  return readJsonFile(path, code).catch((error) => {
    if (!isNotFound(error)) throw error;
  });
}

function parseJson(text: string, path: string, code: FinetagErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = oneLine((error as Error).message);
    throw new FinetagError(code, `${path}: not JSON (${reason}); fetch or write the file again`, {
      cause: error,
    });
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const key in value) if (isDeeper((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}

/** Decodes UTF-8 strictly and drops a byte order mark. */
export function decodeUtf8(bytes: Uint8Array, path: string, code: FinetagErrorCode): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FinetagError(code, `${path}: not UTF-8; save it as UTF-8`, { cause: error });
  }
}
