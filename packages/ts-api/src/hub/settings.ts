import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { FinetagError } from "../errors/index.ts";
import { expandHome, finetagCacheDirectory } from "../io/index.ts";
import { withoutCredentials } from "./credentials.ts";

/** Of the Hub's client, as `defaultHubCache`; it is not asked, because loading it takes a tenth of a second. */
export const HUB_URL = "https://huggingface.co";

/** Where Hugging Face's programs store downloads. */
export function defaultHubCache(env: NodeJS.ProcessEnv = process.env): string {
  return env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(hubHome(env), "hub");
}

function hubHome(env: NodeJS.ProcessEnv): string {
  return env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
}

/** Progress of a download. */
export interface DownloadProgress {
  file: string;
  /** Bytes of the whole file so far, so a resumed download does not start at 0. */
  receivedBytes: number;
  totalBytes?: number;
}

export interface ModelOptions {
  /** Take models from the cache only. Default: `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`. */
  offline?: boolean;
  /**
   * One folder for all downloads instead of Hugging Face's cache (`HF_HUB_CACHE`, `HF_HOME`) and finetag's
   * (`FINETAG_CACHE`, `XDG_CACHE_HOME`).
   */
  cacheDir?: string;
  /** Branch, tag or commit on the Hub. Default `main`. */
  revision?: string;
  onProgress?: (progress: DownloadProgress) => void;
  signal?: AbortSignal;
}

export interface HubSettings {
  /** Without a trailing slash, and without the name and password that it may have. */
  endpoint: string;
  /** These two as HTTP's Basic scheme sends them; undefined where `HF_ENDPOINT` has none. */
  password: string | undefined;
  token: string | undefined;
  /** Source of the token, for messages: a variable or a file. */
  tokenSource: string;
  offline: boolean;
  /** A cache in Hugging Face's layout, shared with every other program that uses the Hub. */
  hubCache: string;
  /** finetag's own cache. */
  cache: string;
  /** Timeout for the first byte of an answer about a model, in ms. */
  metadataTimeout: number;
  /** Timeout between bytes of a download, in ms. */
  stallTimeout: number;
}

/**
 * Reads the settings that Hugging Face's own programs read, by the same names.
 *
 * @throws FinetagError `ERR_FINETAG_ARGUMENT` for an endpoint that is not a URL, or a token of another form.
 */
export function readSettings(options: ModelOptions): HubSettings {
  const env = process.env;
  return {
    ...readEndpoint(env.HF_ENDPOINT),
    ...readToken(env),
    offline: options.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    hubCache: options.cacheDir ? join(resolve(options.cacheDir), "hub") : expandHome(defaultHubCache()),
    cache: options.cacheDir ? resolve(options.cacheDir) : finetagCacheDirectory(),
    metadataTimeout: seconds(env.HF_HUB_ETAG_TIMEOUT, 10),
    stallTimeout: seconds(env.HF_HUB_DOWNLOAD_TIMEOUT, 30),
  };
}

function readEndpoint(value: string | undefined): Pick<HubSettings, "endpoint" | "password"> {
  const endpoint = (value || HUB_URL).replace(/\/+$/, "");
  if (!/^https?:\/\/[^\s/]/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `HF_ENDPOINT: "${withoutCredentials(endpoint)}" is not a URL; use for example HF_ENDPOINT=https://hf-mirror.com`,
    );
  }
  const { username, password } = new URL(endpoint);
  const given = [username, password].map(decodeURIComponent).join(":");
  return {
    endpoint: withoutCredentials(endpoint),
    password: given === ":" ? undefined : Buffer.from(given).toString("base64"),
  };
}

/**
 * The token of the environment, else the one that `hf auth login` left in a file, unless `HF_HUB_DISABLE_IMPLICIT_TOKEN`
 * is set. The client refuses one of another form; saying so here names where it came from.
 */
function readToken(env: NodeJS.ProcessEnv): Pick<HubSettings, "token" | "tokenSource"> {
  const path = expandHome(env.HF_TOKEN_PATH || join(hubHome(env), "token"));
  const sources = [
    ["HF_TOKEN", env.HF_TOKEN],
    ["HUGGING_FACE_HUB_TOKEN", env.HUGGING_FACE_HUB_TOKEN],
    [path, isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN) ? undefined : readTokenFile(path)],
  ] as const;
  for (const [tokenSource, value] of sources) {
    const token = value?.trim();
    if (!token) continue;
    if (/^hf_[\x21-\x7e]+$/.test(token)) return { token, tokenSource };
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `${tokenSource}: an access token starts with "hf_"; copy it again from the Hub, or remove it to use public models`,
    );
  }
  return { token: undefined, tokenSource: "HF_TOKEN" };
}

/** A file that cannot be read counts as no token, as for the Hub's own client. */
function readTokenFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function seconds(value: string | undefined, fallback: number): number {
  const number = Number(value);
  return (value && Number.isFinite(number) && number > 0 ? number : fallback) * 1000;
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
}
