import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import {
  checkFolderWritable,
  ioError,
  isNotFound,
  lockDirectory,
  OLDER_TOKENIZER_FILES,
} from "../../io/index.ts";
import { HISTORY } from "../../report/index.ts";
import {
  CHECKPOINTS,
  checkOutputDirectory,
  type OutputOptions,
  RUN_FILES,
  TENSORBOARD,
} from "./directory.ts";

/** What a run replaces by files, so no folder may have such a name. */
const FILES = [...RUN_FILES, HISTORY, "tokenizer.json", "tokenizer_config.json", ...OLDER_TOKENIZER_FILES];

/** The right to write into an output directory, which one run has at a time. */
export interface OutputClaim {
  /** What the user should know about it. */
  warnings: string[];
  /** Gives the right back, and removes the directory if this run made it and it is still empty. */
  release(): Promise<void>;
}

/**
 * Takes an output directory for a run, before the work whose result it gets: checks it (`checkOutputDirectory`), makes it,
 * locks it, and checks that everything which the run will write can be written.
 *
 * @param modelDirectory The directory of the model to start from.
 * @throws FinetagError `ERR_FINETAG_ARGUMENT` for a directory that cannot be taken, `ERR_FINETAG_IO` for one in which another
 *   run is under way or nothing can be written.
 */
export async function claimOutputDirectory(
  outputDir: string,
  modelDirectory: string,
  options: OutputOptions & { tensorboard: boolean },
): Promise<OutputClaim> {
  await checkOutputDirectory(outputDir, modelDirectory, options);
  const lock = await lockDirectory(outputDir, "training");
  try {
    // Another run may have ended between the check and the lock.
    await checkOutputDirectory(outputDir, modelDirectory, options);
    await checkEntries(outputDir, options);
    await checkFolderWritable(outputDir);
  } catch (error) {
    await lock.release();
    throw error;
  }
  const warnings = lock.works
    ? []
    : [
        `${outputDir}: files cannot be locked here; start no second run in this directory while this one is under way`,
      ];
  return { warnings, release: lock.release };
}

/** @throws FinetagError `ERR_FINETAG_IO` for a folder in the place of a file, or the other way round. */
async function checkEntries(
  outputDir: string,
  { overwrite, tensorboard }: { overwrite: boolean; tensorboard: boolean },
): Promise<void> {
  const refuse = (name: string, why: string) => {
    const isLog = name === TENSORBOARD;
    const orElse = isLog ? "; or turn TensorBoard events off (`tensorboard: false`)" : "";
    return new FinetagError(
      "ERR_FINETAG_IO",
      `${join(outputDir, name)}: ${why}; remove it, or give another \`outputDir\`${orElse}`,
      { option: isLog ? "tensorboard" : "outputDir", kind: "input" },
    );
  };
  const entryOf = (name: string) =>
    stat(join(outputDir, name)).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw ioError(error, "write", join(outputDir, name));
    });
  for (const name of overwrite ? [] : FILES) {
    if ((await entryOf(name))?.isDirectory())
      throw refuse(name, "it is a folder, but the run writes a file there");
  }
  // With `overwrite`, an older `runs` is removed.
  for (const name of [CHECKPOINTS, ...(tensorboard && !overwrite ? [TENSORBOARD] : [])]) {
    const entry = await entryOf(name);
    const isLink =
      entry === undefined && (await lstat(join(outputDir, name)).catch(() => undefined)) !== undefined;
    if (isLink) throw refuse(name, "it is a link to a folder that does not exist");
    if (entry === undefined) continue;
    if (!entry.isDirectory()) throw refuse(name, "it is a file, but the run writes a folder there (EEXIST)");
    await checkFolderWritable(join(outputDir, name));
  }
}
