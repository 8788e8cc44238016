import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CommitOperation } from "@huggingface/hub";
import { FinetagError } from "../../errors/index.ts";
import { CARD_MARK } from "../../report/index.ts";
import { authorizedFetch } from "../credentials.ts";
import { EndlessAnswerError, HttpError, unreachable } from "../failures.ts";
import { neededFiles } from "../files.ts";
import { boundedFetch } from "../guarded-fetch.ts";
import { type HubSettings, readSettings } from "../settings.ts";
import { type PlanOptions, type PushPlan, planPush } from "./plan.ts";
import { persistently, pushFetch } from "./requests.ts";

/** Progress of an upload. */
export interface PushProgress {
  file: string;
  state: "hashing" | "uploading";
  /** From 0 to 1. */
  fraction: number;
}

export interface PushOptions extends PlanOptions {
  /** Make a new repository private; refuse an existing one that is public. */
  private?: boolean;
  commitMessage?: string;
  onProgress?: (progress: PushProgress) => void;
}

export interface PushedModel extends PushPlan {
  /** Of the repository. */
  url: string;
  commit: string;
  /** Files of an older model that were removed, because they would be loaded together with the new ones. */
  removed: string[];
}

interface Push {
  plan: PushPlan;
  settings: HubSettings & { token: string };
  options: PushOptions;
  /** What every call of the client takes. */
  access: { hubUrl: string; accessToken: string; fetch: typeof fetch };
}

/**
 * Uploads a trained directory to the Hugging Face Hub, or to the mirror set by `HF_ENDPOINT`. Creates the repository and
 * the branch if needed, and commits all files at once or none. A large file that was uploaded before the connection broke
 * is not sent again.
 *
 * The directory's own README.md is uploaded unchanged. Without one, a model card is generated; it is not written into the
 * directory, and it does not replace a card in the repository that a person wrote.
 *
 * @param repo `owner/name`.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a directory without a complete model; `ERR_FINETAG_ARGUMENT` for an
 *   invalid name or setting, or a missing token; `ERR_FINETAG_UPLOAD`; `ERR_FINETAG_ABORTED`.
 */
export async function pushModel(
  directory: string,
  repo: string,
  options: PushOptions = {},
): Promise<PushedModel> {
  const plan = await planPush(directory, repo, options);
  const settings = writeSettings(repo);
  const access = {
    hubUrl: settings.endpoint,
    accessToken: settings.token,
    fetch: authorizedFetch(settings, pushFetch(options.signal)),
  };
  const push: Push = { plan, settings, options, access };
  try {
    await persistently(() => makeRepository(push), options.signal);
    const held = await persistently(() => listRemote(push), options.signal);
    const files = await keepCard(push, held);
    const removed = staleFiles(held, files);
    const commit = await persistently(
      () => commitFiles({ ...push, plan: { ...plan, files } }, removed),
      options.signal,
    );
    return { ...plan, files, removed, commit, url: `${settings.endpoint}/${repo}` };
  } catch (error) {
    if (options.signal?.aborted) {
      throw new FinetagError("ERR_FINETAG_ABORTED", "the upload was stopped; nothing was committed", {
        cause: options.signal.reason,
      });
    }
    throw describe(push, error);
  }
}

function writeSettings(repo: string): HubSettings & { token: string } {
  const settings = readSettings({});
  const { token, offline, endpoint } = settings;
  if (offline) {
    throw new FinetagError(
      "ERR_FINETAG_UPLOAD",
      `${repo}: offline mode allows no upload; unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE`,
    );
  }
  if (token === undefined) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `${repo}: pushing needs a token with write access; create one at ${endpoint}/settings/tokens and set HF_TOKEN`,
    );
  }
  return { ...settings, token };
}

async function makeRepository({ plan, options, access }: Push): Promise<void> {
  const { createBranch, createRepo, modelInfo } = await import("@huggingface/hub");
  const { repo, branch } = plan;
  const found = await orAbsent(modelInfo({ name: repo, ...access }));
  if (found === undefined) {
    const visibility = options.private ? "private" : "public";
    const made = createRepo({ repo: { type: "model", name: repo }, visibility, ...access });
    // Another push may have created it in the meantime.
    await made.catch((error) =>
      error instanceof HttpError && error.status === 409 ? undefined : Promise.reject(error),
    );
  } else if (options.private && !found.private) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `${repo}: exists and is public, but \`private: true\` is set; make it private in its settings, or push to another name`,
      { option: "private" },
    );
  }
  if (branch === "main") return;
  if ((await orAbsent(modelInfo({ name: repo, revision: branch, ...access }))) !== undefined) return;
  await createBranch({ repo: { type: "model", name: repo }, branch, ...access });
}

/** Undefined for what the Hub does not know, or does not tell this token of. */
async function orAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error) =>
    error instanceof HttpError && error.status === 404 ? undefined : Promise.reject(error),
  );
}

async function listRemote({ plan, access }: Push): Promise<string[]> {
  const { listFiles } = await import("@huggingface/hub");
  const paths: string[] = [];
  const bounded = { ...access, fetch: boundedFetch(access.fetch) };
  for await (const { type, path } of listFiles({ repo: plan.repo, revision: plan.branch, ...bounded }))
    if (type === "file") paths.push(path);
  return paths;
}

/** Without the generated card, if the repository has one that a person wrote. */
async function keepCard({ plan, access, options }: Push, held: readonly string[]) {
  if (plan.card === undefined || !held.includes("README.md")) return plan.files;
  const { downloadFile } = await import("@huggingface/hub");
  const text = await persistently(async () => {
    const file = await downloadFile({
      repo: plan.repo,
      path: "README.md",
      revision: plan.branch,
      xet: false,
      ...access,
    });
    return (await file?.text()) ?? "";
  }, options.signal);
  // A new repository has an empty card with front matter at most, made by the Hub.
  const isEmpty = text.replace(/^---\n[\s\S]*?\n---\s*$/, "").trim() === "";
  return isEmpty || text.includes(CARD_MARK)
    ? plan.files
    : plan.files.filter(({ path }) => path !== "README.md");
}

function staleFiles(held: readonly string[], files: PushPlan["files"]): string[] {
  const pushed = new Set(files.map(({ path }) => path));
  return neededFiles(held).filter((path) => !pushed.has(path));
}

async function commitFiles({ plan, options, access }: Push, removed: string[]): Promise<string> {
  const { commitIter } = await import("@huggingface/hub");
  const added = plan.files.map(async ({ path, content }): Promise<CommitOperation> => {
    const file = content === undefined ? await realpath(join(plan.directory, path)) : undefined;
    const source = file === undefined ? new Blob([content!.slice()]) : pathToFileURL(file);
    return { operation: "addOrUpdate", path, content: source };
  });
  const iterator = commitIter({
    repo: { type: "model", name: plan.repo },
    branch: plan.branch,
    title: options.commitMessage ?? "Upload a model with finetag",
    operations: [
      ...(await Promise.all(added)),
      ...removed.map((path): CommitOperation => ({ operation: "delete", path })),
    ],
    abortSignal: options.signal,
    // Plain uploads by the LFS protocol, which mirrors support.
    useXet: false,
    ...access,
  });
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) return value!.commit.oid;
    if (value.event === "fileProgress" && value.state !== "error")
      options.onProgress?.({ file: value.path, state: value.state, fraction: value.progress });
  }
}

/** One line that says what went wrong and what the user can do. */
function describe({ plan, settings }: Push, error: unknown): unknown {
  if (error instanceof FinetagError) return error;
  const { endpoint, tokenSource } = settings;
  const { repo, branch } = plan;
  const fail = (text: string) => new FinetagError("ERR_FINETAG_UPLOAD", `${repo}: ${text}`, { cause: error });
  const wrong = (text: string) =>
    new FinetagError("ERR_FINETAG_UPLOAD", `${repo}: ${text}`, { cause: error, kind: "input" });
  if (error instanceof EndlessAnswerError) return fail(`${endpoint} ${error.message}; nothing was committed`);
  if (!(error instanceof HttpError)) return fail(unreachable(endpoint, error, "upload to"));
  const said = error.detail === undefined ? "" : `: ${error.detail}`;
  switch (error.status) {
    case 401:
      return fail(`${endpoint} does not accept the token in ${tokenSource} (401); renew it`);
    case 403:
      return fail(
        `the token in ${tokenSource} has no write access (403${said}); use one with write access to ` +
          `${repo.split("/")[0]}, from ${endpoint}/settings/tokens`,
      );
    case 404:
      return wrong(`${endpoint} has no such owner, or no branch "${branch}" (404${said}); check the name`);
    case 409:
    case 412:
      return fail(`the repository changed at the same time (${error.status}${said}); push again`);
    case 413:
    case 507:
      return fail(`${endpoint} has no room for it (${error.status}${said}); free some space in the account`);
    case 429:
      return fail(`${endpoint} limits the number of requests (429); wait a little and push again`);
    default:
      return fail(`${endpoint} refused it (${error.message}${said}); nothing was committed`);
  }
}
