import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { downloadFile } from "@huggingface/hub";
import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { hashFile, ioError } from "../io/index.ts";
import { authorizedFetch } from "./credentials.ts";
import { HttpError, isTransient } from "./failures.ts";
import { guardedFetch, RangeIgnoredError } from "./guarded-fetch.ts";
import { claimPartial } from "./partials.ts";
import type { HubSettings, ModelOptions } from "./settings.ts";

/** A file of a repository at one commit. */
export interface RemoteFile {
  repo: string;
  commit: string;
  path: string;
  /** In bytes. */
  size: number;
  /** sha256 of a file in large-file storage, else git's blob id (sha1); lower-case hex. */
  digest: { kind: "sha256" | "git-sha1"; hex: string };
}

/** Consecutive attempts without a byte before a download is given up. */
const MAX_VAIN_ATTEMPTS = 4;
const FIRST_DELAY = 250;
const MAX_DELAY = 8000;

/**
 * Downloads one file to `target`: continues a partial one, retries if the connection breaks, and renames it into place
 * only when its length and digest are right.
 *
 * @throws FinetagError `ERR_FINETAG_DOWNLOAD` (wrong digest), `ERR_FINETAG_IO`, `ERR_FINETAG_ABORTED`; what the
 * network threw last, when it does not come back.
 */
export async function downloadVerified(
  file: RemoteFile,
  target: string,
  settings: HubSettings,
  options: ModelOptions,
): Promise<void> {
  const claim = await claimPartial(target);
  try {
    await downloadInto(claim.path, file, settings, options);
    await rename(claim.path, target);
  } finally {
    claim.release();
  }
}

async function downloadInto(
  partial: string,
  file: RemoteFile,
  settings: HubSettings,
  options: ModelOptions,
): Promise<void> {
  let resumed = (await sizeOf(partial)) > 0;
  for (;;) {
    await fetchAll(file, partial, settings, options);
    if ((await digestOf(partial, file)) === file.digest.hex) return;
    await rm(partial, { force: true });
    // A partial file may stem from another program's crash; only a download in one piece proves the server wrong.
    if (!resumed) {
      throw new FinetagError(
        "ERR_FINETAG_DOWNLOAD",
        `${file.repo}: ${file.path} came from ${settings.endpoint} with a wrong checksum; ` +
          "nothing was kept: try again, or set HF_ENDPOINT to a mirror",
      );
    }
    resumed = false;
  }
}

async function fetchAll(
  file: RemoteFile,
  partial: string,
  settings: HubSettings,
  options: ModelOptions,
): Promise<void> {
  let vain = 0;
  for (;;) {
    throwIfAborted(options.signal, "the download");
    const before = await sizeOf(partial);
    try {
      if (before < file.size || file.size === 0) await fetchRest(file, partial, before, settings, options);
      const received = await sizeOf(partial);
      if (received === file.size) return;
      if (received > file.size) await rm(partial, { force: true });
      throw new Error(`received ${received} of ${file.size} bytes`);
    } catch (error) {
      throwIfAborted(options.signal, "the download");
      if (error instanceof RangeIgnoredError) await rm(partial, { force: true });
      if (error instanceof FinetagError && error.code === "ERR_FINETAG_IO")
        await rm(partial, { force: true });
      vain = (await sizeOf(partial)) > before ? 0 : vain + 1;
      if (!isTransient(error) || vain >= MAX_VAIN_ATTEMPTS) throw error;
      const asked = error instanceof HttpError ? error.retryAfter : undefined;
      const delay = Math.min(MAX_DELAY, asked ?? FIRST_DELAY * 2 ** vain);
      await sleep(delay, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** One request for the bytes from `offset` on, appended to `partial`. */
async function fetchRest(
  file: RemoteFile,
  partial: string,
  offset: number,
  settings: HubSettings,
  options: ModelOptions,
): Promise<void> {
  const guarded = guardedFetch({
    headTimeout: settings.stallTimeout,
    stallTimeout: settings.stallTimeout,
    signal: options.signal,
  });
  const blob = await downloadFile({
    repo: file.repo,
    path: file.path,
    revision: file.commit,
    hubUrl: settings.endpoint,
    accessToken: settings.token,
    fetch: authorizedFetch(settings, guarded.fetch),
    // Plain HTTP ranges: mirrors speak them, and a broken download continues at the byte where it broke.
    xet: false,
    downloadInfo: { size: file.size, etag: file.digest.hex, url: resolveUrl(file, settings.endpoint) },
  });
  if (blob === null) throw new Error("the server has no such file");

  let handle: FileHandle | undefined;
  try {
    handle = await open(partial, offset === 0 ? "w" : "a");
    let received = offset;
    const rest = offset === 0 ? blob : blob.slice(offset);
    for await (const chunk of rest.stream()) {
      await handle.writeFile(chunk);
      received += chunk.byteLength;
      options.onProgress?.({ file: file.path, receivedBytes: received, totalBytes: file.size });
      if (received > file.size) return;
    }
    await handle.sync();
  } catch (error) {
    const cause = guarded.lastError ?? error;
    throw ioError(cause, "write", partial);
  } finally {
    await handle?.close();
  }
}

function resolveUrl(file: RemoteFile, endpoint: string): string {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return `${endpoint}/${file.repo}/resolve/${file.commit}/${path}`;
}

/** Streams the file through the digest that the Hub names it by. */
async function digestOf(path: string, file: RemoteFile): Promise<string> {
  let hash: Hash;
  if (file.digest.kind === "sha256") hash = createHash("sha256");
  else hash = createHash("sha1").update(`blob ${file.size}\0`);
  return (await hashFile(hash, path)).digest("hex");
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (info) => info.size,
    () => 0,
  );
}
