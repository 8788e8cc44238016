import { open, readdir } from "node:fs/promises";
import { FinetagError, type FinetagErrorCode, oneLine } from "../errors/index.ts";
import { ioError } from "./errors.ts";

/** No config, index or tokenizer file comes near it; what does was named by mistake. */
const TEXT_LIMIT_BYTES = 256 * 1024 * 1024;

/** That of the Rust core of tokenizers. `JSON.parse` has none, but nearly all that is done with its result goes deep. */
const DEPTH_LIMIT = 128;

/**
 * Reads a whole file of bytes whose size is looked at first.
 *
 * @throws ERR_FINETAG_IO where it cannot be read; `code` where it is larger than 256 MiB.
 */
export async function readSmallFile(path: string, code: FinetagErrorCode): Promise<Uint8Array> {
  try {
    const handle = await open(path, "r");
    try {
      const { size } = await handle.stat();
      if (size > TEXT_LIMIT_BYTES) {
        throw new FinetagError(
          code,
          `${path}: ${size} bytes are too many for such a file; check that it is the right one`,
        );
      }
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw ioError(error, "read", path);
  }
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
    `${path}: its values lie more than ${DEPTH_LIMIT} deep within each other; fetch or write the file again`,
  );
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
    throw new FinetagError(code, `${path}: not UTF-8; save it in that encoding`, { cause: error });
  }
}
