import { mkdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { FinetagError } from "../errors/index.ts";
import { ioError, isNotFound, isSystemError } from "./errors.ts";
import { makeFolder } from "./folder.ts";
import { syncFolder, syncTree } from "./sync.ts";
import { temporaryPath } from "./temporary.ts";

/** Exists from the moment at which a group of files counts as written until all have their names. */
const COMMIT = ".finetag-commit";
const MANIFEST = "finetag-commit.json";

/** A folder may come from elsewhere, with such a manifest in it: no name may lead out of it. */
const nameSchema = z.string().regex(/^(?!\.{1,2}$)[^/\\\0]+$/);
const manifestSchema = z.object({ files: z.array(nameSchema), stale: z.array(nameSchema) });

/** One file of a group: its contents, or a function that writes it to the path it is given. */
export interface GroupFile {
  name: string;
  content: Uint8Array | ((path: string) => Promise<void>);
}

/**
 * Replaces several files of a folder as one, and leaves the folder's other entries alone.
 *
 * All are written and synced in a hidden folder next to them; its `rename` to a fixed name is the moment at which the
 * new files count. Then each takes its place, in the order given. Contents that are already there are not touched, so
 * where a single file differs, the change is one `rename` for every reader.
 *
 * After a crash before that moment all older files are there; after it, {@link recoverFiles} (which this function also
 * runs first) brings the rest into place. Only a reader that does not call it can see a mixture, in which the files
 * that come first in the order are new.
 *
 * @param stale Names that are removed unless they are in the group.
 * @throws ERR_FINETAG_IO with a remedy; before the commit, the older files are then untouched.
 */
export async function writeFilesAtomic(dir: string, files: GroupFile[], stale: string[] = []): Promise<void> {
  let staging: string | undefined;
  try {
    await makeFolder(dir);
    await recoverFiles(dir);
    staging = temporaryPath(join(dir, "files"));
    await mkdir(staging);
    for (const file of files) await stage(dir, staging, file);
    const names = files.map(({ name }) => name);
    const manifest = { files: names, stale: stale.filter((name) => !names.includes(name)) };
    await writeFile(join(staging, MANIFEST), JSON.stringify(manifest));
    await syncTree(staging);
    await rename(staging, join(dir, COMMIT));
    await syncFolder(dir);
  } catch (error) {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true }).catch(() => {});
    throw ioError(error, "write", dir);
  }
  await recoverFiles(dir);
}

/**
 * Finishes a {@link writeFilesAtomic} that a crash cut off after its commit. Two processes may do it at once.
 *
 * @returns True where there was something to finish.
 */
export async function recoverFiles(dir: string): Promise<boolean> {
  const commit = join(dir, COMMIT);
  try {
    const text = await readFile(join(commit, MANIFEST), "utf8").catch(missingAsUndefined);
    if (text === undefined) return false;
    const { files, stale } = parseManifest(commit, text);
    for (const name of files) {
      await rename(join(commit, name), join(dir, name)).catch(missingAsUndefined);
    }
    for (const name of stale) await rm(join(dir, name), { force: true });
    await syncFolder(dir);
    await rm(join(commit, MANIFEST), { force: true });
    await rmdir(commit).catch(ignoreTaken);
    return true;
  } catch (error) {
    throw ioError(error, "write", dir);
  }
}

function parseManifest(commit: string, text: string): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${commit}: not left by a save of finetag; remove this folder`,
      {
        cause: error,
      },
    );
  }
}

async function stage(dir: string, staging: string, { name, content }: GroupFile): Promise<void> {
  if (typeof content === "function") return content(join(staging, name));
  const older = await readFile(join(dir, name)).catch(missingAsUndefined);
  if (older === undefined || !older.equals(content)) await writeFile(join(staging, name), content);
}

function missingAsUndefined(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}

/** Another process removed the folder, or has begun the next commit. */
function ignoreTaken(error: unknown): void {
  const taken = isSystemError(error) && ["ENOENT", "ENOTEMPTY", "EEXIST"].includes(error.code);
  if (!taken) throw error;
}
