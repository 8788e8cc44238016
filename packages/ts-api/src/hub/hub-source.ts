import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { ioError, makeFolder, writeFileAtomic } from "../io/index.ts";
import { type CatalogueEntry, suggestName } from "./catalogue.ts";
import { authorizedFetch } from "./credentials.ts";
import { downloadVerified, type RemoteFile } from "./download.ts";
import {
  EndlessAnswerError,
  HttpError,
  isTransient,
  SourceUnavailableError,
  unreachable,
} from "./failures.ts";
import { isConfig, neededFiles } from "./files.ts";
import { boundedFetch, guardedFetch } from "./guarded-fetch.ts";
import { blobPath, hasBlob, isCommit, linkIntoSnapshot, repoFolder, snapshotFolder } from "./hub-cache.ts";
import type { HubSettings, ModelOptions } from "./settings.ts";
import { anyWeightFiles } from "./weights.ts";

/** A request to the Hub. */
export interface HubRequest {
  repo: string;
  revision: string;
  entry: CatalogueEntry | undefined;
  settings: HubSettings;
  options: ModelOptions;
  /** How many times a question about the model is sent; 1 if there is another source. */
  attempts: number;
  /** Said first where the Hub cannot be asked, or does not know the model; may be empty. */
  hint: string;
}

/**
 * Downloads the needed files of one commit into the Hugging Face cache, except those that are already there. The
 * revision's ref moves only when all files are in place, so an older snapshot stays usable until then.
 */
export async function pullFromHub(request: HubRequest): Promise<{ directory: string; files: string[] }> {
  const { repo, settings, options } = request;
  const { commit, entries } = await ask(request);
  const files = chooseFiles(request, entries);
  try {
    await makeFolder(dirname(blobPath(settings.hubCache, repo, "x")));
    for (const entry of files) {
      await fetchIntoSnapshot(request, commit, entry).catch((error) =>
        Promise.reject(error instanceof HttpError ? describeFile(request, error, entry.path) : error),
      );
    }
    if (request.revision !== commit) {
      const ref = join(repoFolder(settings.hubCache, repo), "refs", request.revision);
      await makeFolder(dirname(ref));
      await writeFileAtomic(ref, commit);
    }
  } catch (error) {
    throwIfAborted(options.signal, "the download");
    throw describe(request, ioError(error, "write", repoFolder(settings.hubCache, repo)));
  }
  return { directory: snapshotFolder(settings.hubCache, repo, commit), files: files.map((f) => f.path) };
}

/** Which commit the revision is, and what files it has. */
async function ask(request: HubRequest): Promise<{ commit: string; entries: ListFileEntry[] }> {
  const { repo, revision, settings, options } = request;
  for (let attempt = 1; ; attempt++) {
    const guarded = guardedFetch({
      headTimeout: settings.metadataTimeout,
      stallTimeout: settings.metadataTimeout,
      signal: options.signal,
    });
    const access = {
      hubUrl: settings.endpoint,
      accessToken: settings.token,
      fetch: boundedFetch(authorizedFetch(settings, guarded.fetch)),
    };
    try {
      const info = await modelInfo({ name: repo, revision, additionalFields: ["sha"], ...access });
      checkCommit(request, info.sha);
      const entries: ListFileEntry[] = [];
      for await (const entry of listFiles({ repo, revision: info.sha, ...access })) entries.push(entry);
      return { commit: info.sha, entries };
    } catch (error) {
      throwIfAborted(options.signal, "the download");
      if (!isTransient(error) || attempt >= request.attempts) throw describe(request, error);
      await sleep(500 * attempt, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

/** Checked because it becomes part of folder names in the cache. */
function checkCommit({ repo, revision, settings }: HubRequest, commit: string): void {
  if (isCommit(commit)) return;
  throw new FinetagError(
    "ERR_FINETAG_DOWNLOAD",
    `${repo}: ${settings.endpoint} says that "${revision}" is ${JSON.stringify(commit)?.slice(0, 100)}, ` +
      "which is not a commit; try another endpoint (HF_ENDPOINT)",
  );
}

function chooseFiles(request: HubRequest, entries: readonly ListFileEntry[]): ListFileEntry[] {
  const files = entries.filter((entry) => entry.type === "file");
  const paths = files.map((entry) => entry.path);
  if (!paths.some(isConfig)) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${request.repo}: the repository has no config.json and no bert_config.json, so it is not a model that finetag reads`,
    );
  }
  if (anyWeightFiles(paths) === undefined) {
    const others = paths.filter((path) => /\.(bin|pth?|h5|msgpack|onnx|ckpt|index)$/.test(path));
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${request.repo}: the repository has no weights that finetag reads (model.safetensors, pytorch_model.bin, a TensorFlow checkpoint)` +
        `${others.length > 0 ? `, only ${others.join(", ")}` : ""}; choose a revision that has some ` +
        "(the Hub offers converted weights as refs/pr/N), or save it with transformers' save_pretrained",
    );
  }
  const needed = new Set(neededFiles(paths, anyWeightFiles));
  return files.filter((entry) => needed.has(entry.path));
}

async function fetchIntoSnapshot(request: HubRequest, commit: string, entry: ListFileEntry): Promise<void> {
  const { repo, settings, options } = request;
  const file = remoteFile(repo, commit, entry);
  const blob = blobPath(settings.hubCache, repo, file.digest.hex);
  if (!(await hasBlob(blob, file.size))) await downloadVerified(file, blob, settings, options);
  await linkIntoSnapshot(blob, join(snapshotFolder(settings.hubCache, repo, commit), file.path));
}

function remoteFile(repo: string, commit: string, entry: ListFileEntry): RemoteFile {
  const kind = entry.lfs ? "sha256" : "git-sha1";
  const hex = (entry.lfs?.oid ?? entry.oid ?? "").replace(/^sha256:/, "");
  if (!(kind === "sha256" ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hex)) {
    throw new FinetagError(
      "ERR_FINETAG_DOWNLOAD",
      `${repo}: the server has no checksum for ${entry.path}, so it was not downloaded; try another endpoint (HF_ENDPOINT)`,
    );
  }
  return { repo, commit, path: entry.path, size: entry.size, digest: { kind, hex } };
}

/** For a file that the Hub, or a mirror of it, lists and does not give; other answers are as those about the model. */
function describeFile(request: HubRequest, error: HttpError, path: string): unknown {
  const { repo, settings } = request;
  const fail = (text: string) =>
    new SourceUnavailableError(`${repo}: ${settings.endpoint} ${text}`, { cause: error });
  if (error.status === 404)
    return fail(`lists ${path} but does not have it (404); set HF_ENDPOINT to another mirror`);
  if (error.status !== 401) return describe(request, error);
  const remedy = settings.token
    ? `renew the token in ${settings.tokenSource}`
    : "set HF_TOKEN to a token that may read it";
  return fail(`refuses ${path} (401); ${remedy}`);
}

/** One line that says what went wrong and what the user can do. */
function describe(request: HubRequest, error: unknown): unknown {
  if (error instanceof FinetagError) return error;
  const { repo, revision, settings, hint } = request;
  const fail = (text: string) => new SourceUnavailableError(`${repo}: ${text}`, { cause: error });
  const wrong = (text: string, option?: string) =>
    new SourceUnavailableError(`${repo}: ${text}`, { cause: error, kind: "input", option });
  const suggestion = request.entry ? undefined : suggestName(repo);
  if (error instanceof EndlessAnswerError)
    return fail(`${settings.endpoint} ${error.message}; set HF_ENDPOINT to another mirror`);
  const meant = suggestion ? `did you mean "${suggestion}"?` : "check the spelling";
  if (!(error instanceof HttpError))
    return fail(`${hint}${unreachable(settings.endpoint, error)}${suggestion ? `; or ${meant}` : ""}`);
  if (error.status === 404 && error.errorCode === "RevisionNotFound")
    return wrong(
      `${settings.endpoint} has no revision "${revision}" of it; leave \`revision\` out for "main"`,
      "revision",
    );
  if (error.status === 403 || error.errorCode === "GatedRepo")
    return fail(
      `access is refused (${error.status}); accept the model's terms at ${settings.endpoint}/${repo} ` +
        `and set HF_TOKEN to a token that may read it`,
    );
  if (error.status === 404) return wrong(`${hint}${settings.endpoint} has no such model; ${meant}`);
  if (error.status === 401) {
    const { endpoint, token, tokenSource } = settings;
    return token
      ? fail(
          `${endpoint} does not accept the token in ${tokenSource} (401); renew it, or remove it for a public model`,
        )
      : wrong(
          `${hint}${endpoint} has no such public model (401); ${meant}, or set HF_TOKEN for a private one`,
        );
  }
  if (error.status === 429)
    return fail(`${settings.endpoint} limits the number of requests (429); wait a little, or set HF_TOKEN`);
  return fail(
    `${settings.endpoint} has a problem (${error.message}); try again later, or set HF_ENDPOINT to a mirror`,
  );
}
