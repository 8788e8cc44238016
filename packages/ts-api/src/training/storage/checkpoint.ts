import { copyFile, link, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ParameterInfo } from "@finetag/core-native";
import {
  MOMENTS,
  type ModelSession,
  momentTensors,
  type OpenModel,
  weightTensors,
} from "../../engine/index.ts";
import { FinetagError } from "../../errors/index.ts";
import {
  ioError,
  isNotFound,
  makeFolder,
  recoverDirectory,
  removeLeftovers,
  writeDirectoryAtomic,
} from "../../io/index.ts";
import { openSafetensors, type TensorSource, writeTensors } from "../../weights/index.ts";
import { verifyManifest, writeManifest } from "./manifest.ts";
import { type TrainState, trainStateSchema } from "./state.ts";

const WEIGHTS = "model.safetensors";
const OPTIMIZER = "optimizer.safetensors";
const STATE = "state.json";
/** The best model so far, under its name in a checkpoint. */
export const BEST = "best.safetensors";

export interface CheckpointRef {
  step: number;
  path: string;
}

/**
 * Writes a checkpoint as a whole directory, `step-00001234`, with a manifest of its files.
 * The best model is hard-linked, not copied: it takes no space until a better one replaces it. Weights that are the best ones
 * are that file as well.
 *
 * @throws FinetagError `ERR_FINETAG_IO`; older checkpoints are then untouched.
 */
export async function writeCheckpoint(
  folder: string,
  model: Pick<OpenModel, "session" | "parameters">,
  state: TrainState,
  bestFile: string | undefined,
): Promise<CheckpointRef> {
  const path = join(folder, checkpointName(state.step));
  await makeFolder(folder).catch((error) => Promise.reject(ioError(error, "write", folder)));
  await writeDirectoryAtomic(path, async (target) => {
    const { step, sha256 } = state.best ?? {};
    const known: Record<string, string> = {};
    const linkBest = async (name: string) => {
      await linkOrCopy(bestFile!, join(target, name));
      if (sha256) known[name] = sha256;
    };
    if (bestFile !== undefined) await linkBest(BEST);
    if (bestFile !== undefined && step === state.step) await linkBest(WEIGHTS);
    else await writeFileOfTensors(join(target, WEIGHTS), weightTensors(model));
    await writeFileOfTensors(join(target, OPTIMIZER), momentTensors(model));
    await writeFile(join(target, STATE), `${JSON.stringify(state, null, 2)}\n`);
    await writeManifest(target, known);
  });
  return { step: state.step, path };
}

/** Checkpoints of a folder, newest first, complete or not. */
export async function listCheckpoints(folder: string): Promise<CheckpointRef[]> {
  const names = await readdir(folder).catch((error) => {
    if (isNotFound(error)) return [];
    throw ioError(error, "read", folder);
  });
  return names
    .map((name) => ({ name, match: /^step-(\d{8,})$/.exec(name) }))
    .filter(({ match }) => match !== null)
    .map(({ name, match }) => ({ step: Number(match![1]), path: join(folder, name) }))
    .sort((a, b) => b.step - a.step);
}

/** The newest complete checkpoint; for a damaged one, `warn` is called and the previous one is tried. */
export async function newestCheckpoint(
  folder: string,
  warn: (message: string) => void,
): Promise<{ path: string; state: TrainState } | undefined> {
  await recoverCheckpoints(folder);
  for (const { path, step } of await listCheckpoints(folder)) {
    const damage = await verifyManifest(path, [WEIGHTS, OPTIMIZER, STATE]);
    const state = damage ?? (await readState(path, step));
    if (typeof state !== "string") return { path, state };
    warn(`${path}: ${state}; the checkpoint is skipped`);
  }
  return undefined;
}

/** After a crash while it was being replaced, a checkpoint has a hidden name, and may be the only one. */
async function recoverCheckpoints(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const hidden = /^\.(step-\d{8,})\.finetag-older$/.exec(name);
    if (hidden !== null) await recoverDirectory(join(folder, hidden[1]!));
  }
}

/**
 * @param step The step in the checkpoint's name.
 * @returns The state, or what is wrong with it.
 * @throws FinetagError `ERR_FINETAG_CHECKPOINT` for a state that another version of finetag wrote.
 */
async function readState(path: string, step: number): Promise<TrainState | string> {
  const file = join(path, STATE);
  const text = await readFile(file, "utf8").catch((error) => Promise.reject(ioError(error, "read", file)));
  const json = parseJson(text);
  if (typeof json !== "object" || json === null) return `its ${STATE} is not JSON`;
  const { version } = json as { version?: unknown };
  const parsed = trainStateSchema.safeParse(json);
  if (parsed.success)
    return parsed.data.step === step ? parsed.data : `its ${STATE} is of step ${parsed.data.step}`;
  const issue = parsed.error.issues[0]!;
  const what = [...(issue.path.length > 0 ? [issue.path.join(".")] : []), issue.message].join(": ");
  const isOfOther = typeof version === "number" && version !== 1;
  if (!isOfOther && issue.path[0] !== "options") return `its ${STATE} is damaged (${what})`;
  throw new FinetagError(
    "ERR_FINETAG_CHECKPOINT",
    `${file}: ${what} (format ${JSON.stringify(version)}, this finetag reads 1); ` +
      "resume with the version of finetag that wrote it, or start over with `overwrite: true`",
    { option: "overwrite" },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Puts weights and moments into a session whose training is configured, and sets its step. */
export async function loadCheckpoint(
  path: string,
  session: ModelSession,
  parameters: readonly ParameterInfo[],
  step: number,
): Promise<void> {
  await loadWeights(join(path, WEIGHTS), session, parameters);
  const file = await openSafetensors(join(path, OPTIMIZER));
  try {
    for (const { name } of parameters) {
      for (const kind of MOMENTS) await session.writeTensor(kind, name, await file.read(`${kind}.${name}`));
    }
  } finally {
    await file.close();
  }
  await session.setStep(step);
}

/** Puts the weights of a file with the model's own names into a session. */
export async function loadWeights(
  path: string,
  session: ModelSession,
  parameters: readonly ParameterInfo[],
): Promise<void> {
  const file = await openSafetensors(path);
  try {
    for (const { name } of parameters) await session.writeTensor("weight", name, await file.read(name));
  } finally {
    await file.close();
  }
}

/**
 * Removes all but the newest `keep` checkpoints up to a step, and leftovers of killed processes. Later checkpoints are
 * damaged ones of an earlier attempt; the run will reach their steps again.
 */
export async function pruneCheckpoints(folder: string, keep: number, step: number): Promise<void> {
  const own = (await listCheckpoints(folder)).filter((checkpoint) => checkpoint.step <= step);
  for (const { path } of own.slice(keep)) {
    await rm(path, { recursive: true, force: true }).catch((error) =>
      Promise.reject(ioError(error, "write", path)),
    );
  }
  await removeLeftovers(folder);
}

function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, "0")}`;
}

/** The folder is synced and renamed as a whole, so the file needs no sync of its own. */
async function writeFileOfTensors(path: string, tensors: TensorSource[]): Promise<void> {
  const handle = await open(path, "wx");
  try {
    await writeTensors(handle, tensors);
  } finally {
    await handle.close();
  }
}

/** Some file systems have no hard links. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}
