import { randomUUID } from "node:crypto";
import { copyFile, readFile, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { makeFolder } from "../io/index.ts";
import { missingFiles } from "./files.ts";
import { anyWeightFiles } from "./weights.ts";

/*
 * Hugging Face's cache layout, shared with its other clients:
 *   models--owner--name/refs/<revision>            the commit that a branch or tag stood for
 *   models--owner--name/blobs/<digest>             the files' bytes
 *   models--owner--name/snapshots/<commit>/<path>  links into blobs
 */

/** True for the full name of a commit. */
export function isCommit(name: unknown): name is string {
  return typeof name === "string" && /^[0-9a-f]{40}$/.test(name);
}

export function repoFolder(hubCache: string, repo: string): string {
  return join(hubCache, `models--${repo.replaceAll("/", "--")}`);
}

export function blobPath(hubCache: string, repo: string, digest: string): string {
  return join(repoFolder(hubCache, repo), "blobs", digest);
}

export function snapshotFolder(hubCache: string, repo: string, commit: string): string {
  return join(repoFolder(hubCache, repo), "snapshots", commit);
}

/** The directory of a model that is whole in the cache at this revision; undefined where it is not. */
export async function findSnapshot(
  hubCache: string,
  repo: string,
  revision: string,
): Promise<string | undefined> {
  const commit = isCommit(revision) ? revision : await readRef(hubCache, repo, revision);
  if (commit === undefined) return undefined;
  const directory = snapshotFolder(hubCache, repo, commit);
  return (await missingFiles(directory, anyWeightFiles)).length === 0 ? directory : undefined;
}

async function readRef(hubCache: string, repo: string, revision: string): Promise<string | undefined> {
  try {
    const commit = (await readFile(join(repoFolder(hubCache, repo), "refs", revision), "utf8")).trim();
    return isCommit(commit) ? commit : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the blob is there in full, by whichever program. */
export async function hasBlob(path: string, size: number): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile() && info.size === size,
    () => false,
  );
}

/** Puts a relative link to the blob into the snapshot; a right one that is there stays. */
export async function linkIntoSnapshot(blob: string, pointer: string): Promise<void> {
  await makeFolder(dirname(pointer));
  const fresh = `${pointer}.${randomUUID()}.link`;
  await symlink(relative(dirname(pointer), blob), fresh).catch(async (error: NodeJS.ErrnoException) => {
    // Some network file systems have no links.
    if (error.code !== "EPERM" && error.code !== "ENOTSUP" && error.code !== "ENOSYS") throw error;
    await copyFile(blob, fresh);
  });
  await rename(fresh, pointer);
}
