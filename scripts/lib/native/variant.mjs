import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../errors.mjs";
import { ROOT } from "../paths.mjs";
import { replaceFile } from "../stamp.mjs";

const PACKAGE = join(ROOT, "packages", "core-native");
const FOLDERS = { cpu: "build", cuda: "build-cuda" };

/** Names the variant in use; without this file it is the CPU's. packages/core-native/lib/load.ts reads it too. */
const FILE = join(PACKAGE, ".variant");

/** FINETAG_SANITIZE=1: a build of its own for the tests, under the address and undefined-behaviour sanitizers. */
export function isSanitized() {
  return process.env.FINETAG_SANITIZE === "1";
}

/** Where the addon of a variant ("cpu" or "cuda") is built. Builds are kept, so switching does not rebuild. */
export function buildFolder(kind) {
  return join(PACKAGE, isSanitized() ? `${FOLDERS[kind]}-sanitized` : FOLDERS[kind]);
}

/**
 * The variant in use: FINETAG_VARIANT, else the one that was set up last, else the CPU's.
 *
 * @throws SetupError if FINETAG_VARIANT is neither
 */
export function activeVariant(env = process.env, file = FILE) {
  const { FINETAG_VARIANT: asked } = env;
  if (asked) {
    if (!Object.hasOwn(FOLDERS, asked))
      throw new SetupError(`FINETAG_VARIANT=${asked}: must be cpu or cuda.`);
    return asked;
  }
  try {
    return readFileSync(file, "utf8").trim() === "cuda" ? "cuda" : "cpu";
  } catch {
    return "cpu";
  }
}

/** Makes a variant the one in use. */
export function useVariant(kind, file = FILE) {
  replaceFile(file, `${kind}\n`);
}
