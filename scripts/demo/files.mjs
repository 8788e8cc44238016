import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SetupError } from "../lib/errors.mjs";

/** Describes a prepared folder; written last, so its presence means that the folder is complete. */
export const STAMP = "data.json";

/** The stamp of a prepared folder, or undefined if there is none. */
export async function readStamp(folder) {
  try {
    return JSON.parse(await readFile(join(folder, STAMP), "utf8"));
  } catch {
    return undefined;
  }
}

/** Lets `fill` write a folder next to the target, then replaces the target with it. */
export async function replaceFolder(target, fill) {
  try {
    await mkdir(dirname(target), { recursive: true });
    const fresh = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
    try {
      await chmod(fresh, 0o755);
      const result = await fill(fresh);
      if (existsSync(target)) await rm(target, { recursive: true });
      await rename(fresh, target);
      return result;
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  } catch (error) {
    throw diskAdvice(error, target);
  }
}

const DISK = {
  ENOSPC: "the disk is full; free some space and run it again",
  EDQUOT: "the disk quota is used up; free some space and run it again",
  EACCES: "no permission to write there",
  EROFS: "the file system is read-only",
};

function diskAdvice(error, path) {
  return DISK[error.code] === undefined ? error : new SetupError(`${path}: ${DISK[error.code]}`);
}

/** A record of RFC 4180. */
export function csvLine(fields) {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")}\n`;
}

/** Train, dev or test (80, 10, 10 percent), by the key alone: the same on every machine and in every run. */
export function splitOf(key) {
  const share = createHash("sha256").update(key).digest().readUInt32BE(0) / 2 ** 32;
  return share < 0.8 ? "train" : share < 0.9 ? "dev" : "test";
}
