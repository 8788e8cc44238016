#!/usr/bin/env node
// Brings the pinned libtorch: node third_party/fetch-libtorch.mjs [--variant cpu] [--print]

import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { reportError, SetupError } from "../scripts/lib/errors.mjs";
import { output } from "../scripts/lib/exec.mjs";
import { withLock } from "../scripts/lib/lock.mjs";
import { isMain } from "../scripts/lib/main.mjs";
import {
  begin,
  clearStatus,
  done,
  note,
  reportOn,
  status,
  transferProgress,
} from "../scripts/lib/terminal.mjs";
import { download, SourceUnavailable } from "./lib/download.mjs";
import { inspectLibtorch, placeEntry } from "./lib/layout.mjs";
import { pipDownload } from "./lib/pip.mjs";
import { unpackZip } from "./lib/unpack.mjs";

const MARKER = ".finetag-complete.json";

export function readManifest() {
  return JSON.parse(readFileSync(new URL("./libtorch.json", import.meta.url), "utf8"));
}

/** FINETAG_CACHE, or XDG's cache folder, or ~/.cache. */
export function cacheFolder(env = process.env) {
  if (env.FINETAG_CACHE) return resolve(env.FINETAG_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "finetag");
}

/**
 * Finds or brings libtorch. Sources in order: LIBTORCH_PATH, the cache, then the manifest's archives. A source that
 * can't be reached is named with its reason and the next one is tried; wrong bytes end it all.
 *
 * @param options.libtorchPath overrides LIBTORCH_PATH
 * @param options.download timeouts and pauses of the download (see lib/download.mjs)
 * @param options.pip options of the pip source (see lib/pip.mjs)
 * @param options.ensurePip called before pip is used; may install it
 * @returns `{ path, version, source, fetched }`; path holds include/, lib/ and share/
 * @throws SetupError when LIBTORCH_PATH is no usable libtorch, when no source works, or when a checksum is wrong
 */
export async function fetchLibtorch(options = {}) {
  const {
    manifest = readManifest(),
    variant = "cpu",
    platform = `${process.platform}-${process.arch}`,
  } = options;
  const { libtorchPath = process.env.LIBTORCH_PATH, cache = cacheFolder() } = options;
  const pinned = manifest.variants[variant];
  if (pinned === undefined) {
    throw new SetupError(
      `No libtorch variant "${variant}"; there is ${Object.keys(manifest.variants).join(", ")}.`,
    );
  }
  if (libtorchPath) return useExisting(libtorchPath, pinned);

  const target = join(cache, "libtorch", `${pinned.version}-${variant}-${platform}`);
  const archives = pinned.platforms[platform]?.archives;
  const found = { path: target, version: pinned.version };
  if (isComplete(target)) return { ...found, source: "cache", fetched: false };
  if (archives === undefined) {
    throw new SetupError(
      `No libtorch is pinned for ${platform} (${variant}); pinned: ${Object.keys(pinned.platforms).join(", ")}.\n` +
        `Get PyTorch ${pinned.version} for it and set LIBTORCH_PATH to its libtorch/ or site-packages/torch/ folder.`,
    );
  }
  await mkdir(dirname(target), { recursive: true }).catch((error) => {
    throw new SetupError(
      `Can't make the cache ${dirname(target)} (${error.code}); set FINETAG_CACHE to a folder of yours.`,
    );
  });
  const onWait = ({ pid }) => note(`another process (${pid}) is fetching libtorch; waiting for it`);
  return withLock(
    `${target}.lock`,
    async () => {
      if (isComplete(target)) return { ...found, source: "cache", fetched: false };
      await removeRemains(target, archives);
      const source = await fromArchives(archives, target, pinned.version, options);
      return { ...found, source, fetched: true };
    },
    { onWait },
  );
}

function useExisting(given, pinned) {
  const { path, version, problem } = inspectLibtorch(given);
  if (problem !== undefined) {
    throw new SetupError(
      `LIBTORCH_PATH=${given} is no libtorch: ${problem}.\n` +
        "Point it at the official zip's libtorch/ folder or a wheel's torch/ folder, or unset it.",
    );
  }
  const supported = pinned.accepts.some((series) => version.startsWith(`${series}.`));
  if (!supported) {
    throw new SetupError(
      `LIBTORCH_PATH=${given} holds libtorch ${version}; finetag builds with ${pinned.accepts.join(", ")}.x ` +
        `(tested: ${pinned.version}). Point it at one of these, or unset it.`,
    );
  }
  if (version.split("+")[0] !== pinned.version)
    note(`libtorch ${version} is not the tested ${pinned.version}`);
  return { path, version, source: "LIBTORCH_PATH", fetched: false };
}

async function fromArchives(archives, target, version, options) {
  const reasons = [];
  for (const archive of archives) {
    const file = join(dirname(target), archiveName(archive));
    begin(`libtorch ${version} from ${archive.name} (${Math.round(archive.bytes / 1e6)} MB)`);
    try {
      if (archive.kind === "pip") {
        await options.ensurePip?.();
        await pipDownload(archive, file, options.pip);
      } else {
        await download(
          { ...archive, file },
          { onProgress: transferProgress(archive.bytes), ...options.download },
        );
      }
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(`  ${archive.name}: ${error.message}`);
      note(`${archive.name} can't be used: ${error.message}`);
      continue;
    } finally {
      clearStatus();
    }
    await install(archive, file, target, version);
    await rm(file, { force: true });
    return archive.name;
  }
  throw new SetupError(
    `No source of libtorch ${version} works:\n${reasons.join("\n")}\n` +
      "Run again when the network is back (what was downloaded is kept), or download PyTorch's zip elsewhere and set\n" +
      "LIBTORCH_PATH to its libtorch/ folder.",
  );
}

/** Unpacks beside the target and renames: what has the target's name is whole. */
async function install(archive, file, target, version) {
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await mkdir(temporary);
    const files = await unpackZip(file, temporary, (name) => placeEntry(archive.root, name), {
      onProgress: (count) => count % 100 === 0 && status(`unpacking: ${count} files`),
    });
    clearStatus();
    const { problem } = inspectLibtorch(temporary);
    if (problem !== undefined) throw new SetupError(`${basename(file)} is no libtorch: ${problem}.`);
    // The marker must not reach the disk before what it vouches for. Syncing ten thousand headers one by one takes
    // a minute on a slow disk, the file system as a whole a second.
    output("sync", ["-f", temporary]);
    const marker = { version, source: archive.name, sha256: archive.sha256, files };
    const handle = await open(join(temporary, MARKER), "wx");
    await handle.writeFile(`${JSON.stringify(marker, null, 2)}\n`);
    await handle.sync();
    await handle.close();
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (error.code === "ENOSPC") {
      throw new SetupError(
        `No space left in ${dirname(target)}; libtorch needs about 1 GB. Free some or set FINETAG_CACHE.`,
      );
    }
    throw error;
  }
}

function isComplete(target) {
  return existsSync(join(target, MARKER)) && existsSync(join(target, "lib"));
}

/** Temporary folders of runs that were killed. The lock is held: nobody writes them now. */
async function removeRemains(target, archives) {
  const folder = dirname(target);
  const isRemains = (name) =>
    (name.startsWith(`${basename(target)}.`) && name.endsWith(".tmp")) ||
    archives.some((archive) => name.startsWith(`${archiveName(archive)}.pip-`));
  for (const name of (await readdir(folder)).filter(isRemains)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

function archiveName(archive) {
  if (archive.kind === "pip") return `${archive.sha256.slice(0, 12)}.whl`;
  return decodeURIComponent(basename(new URL(archive.url).pathname));
}

const HELP = `node third_party/fetch-libtorch.mjs [--variant cpu] [--print]

Brings the pinned libtorch into the cache (or takes LIBTORCH_PATH) and tells where it is.
  --print  standard output holds nothing but the folder`;

if (isMain(import.meta.url)) {
  try {
    const { values } = parseArgs({
      options: {
        variant: { type: "string" },
        print: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.print) reportOn(process.stderr);
    if (values.help) console.log(HELP);
    else {
      const { path, version, source } = await fetchLibtorch({ variant: values.variant });
      if (values.print) console.log(path);
      else done(`libtorch ${version} (${source}): ${path}`);
    }
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
