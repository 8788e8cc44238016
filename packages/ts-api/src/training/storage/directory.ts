import { realpath, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import {
  checkNotLocked,
  ioError,
  isNotFound,
  listNames,
  makeFolder,
  recoverFiles,
  removeLeftovers,
} from "../../io/index.ts";
import { HISTORY } from "../../report/index.ts";
import { listCheckpoints } from "./checkpoint.ts";

/** Files of a run, weights first, so that an interrupted removal never leaves a model. */
export const RUN_FILES = ["model.safetensors", "metrics.json", "finetag.json", "config.json"];
export const CHECKPOINTS = "checkpoints";
export const TENSORBOARD = "runs";
/** Files that a run writes from its start; on their own they do not count as a run. */
const LOGS = [HISTORY, TENSORBOARD];

/** What to do with a run that the output directory holds. */
export interface OutputOptions {
  resume: boolean;
  overwrite: boolean;
}

export function checkpointFolder(outputDir: string): string {
  return join(outputDir, CHECKPOINTS);
}

/**
 * Refuses an output directory in which a run cannot start: the model's own directory, a file, one with
 * a run (without `resume` or `overwrite`), or one with a model that finetag did not write. Writes nothing.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT`; `ERR_FINETAG_IO` for a run that is under way.
 */
export async function checkOutputDirectory(
  outputDir: string,
  modelDirectory: string,
  options: OutputOptions,
): Promise<void> {
  const refuse = (why: string, option = "outputDir"): never => {
    throw new FinetagError("ERR_FINETAG_ARGUMENT", `${outputDir}: ${why}`, { option });
  };
  if (options.resume && options.overwrite)
    refuse("both `resume` and `overwrite` are given; give one of them", "resume");
  const entry = await stat(outputDir).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw ioError(error, "read", outputDir);
  });
  if (entry === undefined) return;
  if (!entry.isDirectory()) refuse("it is a file; give a directory as `outputDir`");
  if ((await realpath(outputDir)) === (await realpath(modelDirectory))) {
    refuse("it is the directory of the model to start from; give another `outputDir`");
  }
  if (options.overwrite) return;
  const names = await listNames(outputDir);
  const checkpoints = await listCheckpoints(checkpointFolder(outputDir));
  const held = RUN_FILES.find((name) => names.includes(name));
  if (held === undefined && checkpoints.length === 0) return;
  if (!options.resume) {
    await checkNotLocked(outputDir);
    refuse(
      "it already holds a run; continue with `resume: true`, start over with `overwrite: true`, or give another `outputDir`",
      "resume",
    );
  }
  if (checkpoints.length === 0 && names.includes("model.safetensors") && !names.includes("finetag.json")) {
    refuse("it holds a model that finetag did not write; give another `outputDir`");
  }
}

/** Prepares the directory: removes leftovers of killed processes, and with `overwrite` the older run. */
export async function openOutputDirectory(outputDir: string, options: { overwrite: boolean }): Promise<void> {
  try {
    await makeFolder(outputDir);
    await recoverFiles(outputDir);
    if (options.overwrite) {
      for (const name of [...RUN_FILES, ...LOGS])
        await rm(join(outputDir, name), { recursive: true, force: true });
      for (const { path } of await listCheckpoints(checkpointFolder(outputDir))) {
        await rm(path, { recursive: true, force: true });
      }
    }
  } catch (error) {
    throw ioError(error, "write", outputDir);
  }
  await removeLeftovers(outputDir);
  await removeLeftovers(checkpointFolder(outputDir));
}
