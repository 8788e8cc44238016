import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FinetagError, throwIfAborted } from "../../errors/index.ts";
import { ioError } from "../../io/index.ts";
import { formatJson, readFinetagJson } from "../../models/index.ts";
import { optionSpecs } from "../../options/index.ts";
import { describeModel } from "../../report/index.ts";
import { missingFiles, neededFiles } from "../files.ts";
import { hubIdOf } from "./base-model.ts";

/** A file that is pushed. */
export interface PlannedFile {
  /** Path in the repository. */
  path: string;
  bytes: number;
  /** Contents to push in place of the directory's own file; absent for a file that is pushed unchanged. */
  content?: Uint8Array;
}

/** What a push will do. */
export interface PushPlan {
  directory: string;
  repo: string;
  branch: string;
  files: PlannedFile[];
  /** Names in the directory that are not pushed; folders end with a slash. */
  leftOut: string[];
  /** The generated model card; absent if the directory has its own README.md. */
  card: string | undefined;
}

/** In addition to what the model needs. */
const ALSO = /^(README\.md|metrics\.json|(LICEN[CS]E|NOTICE)(\.(md|txt))?)$/;

/** The options of a push that change what it does. */
export interface PlanOptions {
  /** The branch. Default `main`. */
  revision?: string;
  /** For the model card, as the Hub names it, such as `apache-2.0`. */
  license?: string;
  signal?: AbortSignal;
}

/**
 * Which files of a trained directory go into a repository: the model with its tokenizer, `finetag.json`, `metrics.json`,
 * licence texts, and a model card. No checkpoints, no logs, and no other files.
 *
 * @param repo `owner/name`.
 * @throws FinetagError `ERR_FINETAG_MODEL` for a directory without a complete model; `ERR_FINETAG_ARGUMENT` for an
 *   invalid name; `ERR_FINETAG_ABORTED`.
 */
export async function planPush(
  directory: string,
  repo: string,
  options: PlanOptions = {},
): Promise<PushPlan> {
  const branch = checkNames(repo, options);
  const dir = resolve(directory);
  const entries = await readdir(dir, { withFileTypes: true }).catch((error) => {
    throw ioError(error, "read", dir);
  });
  const goOn = <T>(value: T): T => {
    throwIfAborted(options.signal);
    return value;
  };
  const missing = goOn(await missingFiles(dir));
  const names = entries.map(({ name }) => name);
  if (missing.length > 0 || !names.includes("config.json")) {
    throw new FinetagError(
      "ERR_FINETAG_MODEL",
      `${directory}: the model is incomplete, ${missing[0] ?? "config.json"} is missing; give a directory that \`finetag train\` wrote`,
    );
  }
  const needed = new Set(neededFiles(names));
  const chosen = names.filter((name) => needed.has(name) || ALSO.test(name)).sort();
  const finetag = goOn(await readFinetagJson(dir));
  const description = goOn(await describeModel(dir, await hubIdOf(finetag?.arguments.model)));
  const { modelCard } = await import("../../report/card.ts"); // loads a YAML library, which few commands need
  const card = chosen.includes("README.md") ? undefined : modelCard(description, repo, options.license);
  const files = await Promise.all(
    chosen.map(async (path): Promise<PlannedFile> => {
      if (path === "finetag.json" && finetag !== undefined)
        return made(path, formatJson(withoutPaths(finetag)));
      return { path, bytes: (await stat(join(dir, path))).size };
    }),
  );
  if (card !== undefined) files.push(made("README.md", card));
  const leftOut = entries
    .filter(({ name }) => !chosen.includes(name))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
  return { directory: dir, repo, branch, files, leftOut, card };
}

/** @returns The branch. */
function checkNames(repo: string, { revision = "main", license }: PlanOptions): string {
  if (!/^\w[\w.-]{0,95}\/\w[\w.-]{0,95}$/.test(repo) || repo.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${repo}" is not a repository; write OWNER/NAME, such as your-name/my-classifier`,
    );
  }
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes("..")) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${revision}" is not a valid branch name; use for example main`,
      {
        option: "revision",
      },
    );
  }
  if (license !== undefined && !/^[a-z0-9][a-z0-9.+-]*$/.test(license)) {
    throw new FinetagError(
      "ERR_FINETAG_ARGUMENT",
      `"${license}" is not one of the Hub's names for licences; use for example apache-2.0, mit or cc-by-4.0`,
      { option: "license" },
    );
  }
  return revision;
}

function made(path: string, text: string): PlannedFile {
  const content = new TextEncoder().encode(text);
  return { path, bytes: content.byteLength, content };
}

/** Removes folders of the training machine, which are private; file names stay. */
function withoutPaths<T extends { arguments: Record<string, unknown> }>(finetag: T): T {
  const args = Object.entries(finetag.arguments).map(([key, value]) => {
    const looksLikePath = typeof value === "string" && /^([/~.]|[a-zA-Z]:\\)|[/\\].*[/\\]/.test(value);
    return [key, optionSpecs[key]?.isPath || looksLikePath ? lastPart(value) : value];
  });
  return { ...finetag, arguments: Object.fromEntries(args) };
}

function lastPart(value: unknown): unknown {
  return typeof value === "string" ? value.split(/[/\\]/).filter(Boolean).at(-1) : value;
}
