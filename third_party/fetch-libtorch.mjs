#!/usr/bin/env node
// Downloads the pinned libtorch: node third_party/fetch-libtorch.mjs [--variant cpu|cuda] [--print]

import { mkdir, rm, stat, statfs } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { reportError, SetupError } from "../scripts/lib/errors.mjs";
import { withLock } from "../scripts/lib/lock.mjs";
import { isMain } from "../scripts/lib/main.mjs";
import {
  begin,
  clearStatus,
  done,
  megabytes,
  note,
  reportOn,
  transferProgress,
} from "../scripts/lib/terminal.mjs";
import { download, SourceUnavailable, verify } from "./lib/download.mjs";
import { install, isComplete, removeRemains } from "./lib/install.mjs";
import { inspectLibtorch } from "./lib/layout.mjs";
import { archiveName, archivesOf, findVariant, readManifest } from "./lib/manifest.mjs";
import { pipDownload } from "./lib/pip.mjs";

/** FINETAG_CACHE, or XDG's cache folder, or ~/.cache. */
export function cacheFolder(env = process.env) {
  if (env.FINETAG_CACHE) return resolve(env.FINETAG_CACHE);
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "finetag");
}

/**
 * Finds or downloads libtorch. Sources in order: LIBTORCH_PATH, the cache, then the manifest's archives. If a source
 * can't be reached, the reason is shown and the next one is tried. A wrong checksum stops everything.
 *
 * @param options.variant a name or alias of the manifest: "cpu" (default), "cu130", "cuda"
 * @param options.libtorchPath overrides LIBTORCH_PATH
 * @param options.download timeouts and pauses of the download (see lib/download.mjs)
 * @param options.pip options of the pip source (see lib/pip.mjs)
 * @param options.ensurePip called before pip is used; may install it
 * @returns `{ path, version, source, fetched }`; path holds include/, lib/ and share/
 * @throws SetupError if LIBTORCH_PATH is not a usable libtorch, if no source works, or if a checksum is wrong
 */
export async function fetchLibtorch(options = {}) {
  const {
    manifest = readManifest(),
    variant = "cpu",
    platform = `${process.platform}-${process.arch}`,
  } = options;
  const { libtorchPath = process.env.LIBTORCH_PATH, cache = cacheFolder() } = options;
  const pinned = findVariant(manifest, variant);
  if (libtorchPath) return useExisting(libtorchPath, pinned);

  const { name, version, folder = "" } = pinned;
  const target = join(cache, "libtorch", `${version}-${name}-${platform}`);
  const found = { path: join(target, folder), version };
  if (isComplete(target, folder)) return { ...found, source: "cache", fetched: false };
  const files = pinned.platforms[platform];
  if (files === undefined) {
    throw new SetupError(
      `No libtorch is pinned for ${platform} (${name}); pinned: ${Object.keys(pinned.platforms).join(", ")}.\n` +
        `Install PyTorch ${version} for it and set LIBTORCH_PATH to its libtorch/ or site-packages/torch/ folder.`,
    );
  }
  await mkdir(dirname(target), { recursive: true }).catch((error) => {
    throw new SetupError(
      `Can't create the cache ${dirname(target)} (${error.code}); set FINETAG_CACHE to a folder that you can write to.`,
    );
  });
  const onWait = ({ pid }) => note(`another process (${pid}) is downloading libtorch; waiting for it`);
  return withLock(
    `${target}.lock`,
    async () => {
      if (isComplete(target, folder)) return { ...found, source: "cache", fetched: false };
      await removeRemains(target, archivesOf(files).flat());
      const parts = await bringAll(files, target, version, options);
      await install(parts, target, pinned);
      for (const { file } of parts) await rm(file, { force: true });
      return { ...found, source: parts[0].archive.name, fetched: true };
    },
    { onWait },
  );
}

function useExisting(given, pinned) {
  const { path, version, kind, problem } = inspectLibtorch(given);
  if (problem !== undefined) {
    throw new SetupError(
      `LIBTORCH_PATH=${given} is not a libtorch: ${problem}.\n` +
        "Point it at the official zip's libtorch/ folder or a wheel's torch/ folder, or unset it.",
    );
  }
  if (pinned.kind === "cuda" && kind !== "cuda") {
    throw new SetupError(
      `LIBTORCH_PATH=${given} is a CPU libtorch, but the requested variant is ${pinned.name}.\n` +
        "Point it at a CUDA libtorch, or unset it to download the pinned one.",
    );
  }
  const supported = pinned.accepts.some((series) => version.startsWith(`${series}.`));
  if (!supported) {
    throw new SetupError(
      `LIBTORCH_PATH=${given} holds libtorch ${version}; finetag builds with ${pinned.accepts.join(".x, ")}.x ` +
        `(tested: ${pinned.version}). Point it at one of these, or unset it.`,
    );
  }
  if (version.split("+")[0] !== pinned.version)
    note(`libtorch ${version} is not the tested ${pinned.version}`);
  return { path, version, source: "LIBTORCH_PATH", fetched: false };
}

/** Each file from the first source that works. Downloaded files are kept until all are there, so a later run continues. */
async function bringAll(files, target, version, options) {
  const wanted = archivesOf(files);
  if (wanted.length > 1) await announce(wanted, files.unpackedBytes, target, version);
  const parts = [];
  for (const archives of wanted) parts.push(await bring(archives, dirname(target), version, options));
  return parts;
}

/** Before gigabytes are downloaded: says how many, and checks that they fit. */
async function announce(wanted, unpackedBytes, target, version) {
  const folder = dirname(target);
  const sizes = await Promise.all(wanted.map(([archive]) => sizeOf(join(folder, archiveName(archive)))));
  const total = wanted.reduce((sum, [{ bytes }]) => sum + bytes, 0);
  const missing = total - sizes.reduce((sum, size) => sum + size, 0);
  const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;
  begin(
    `libtorch ${version}: ${wanted.length} files, ${gigabytes(missing)} to download, ${gigabytes(unpackedBytes)} unpacked`,
  );
  const { bavail, bsize } = await statfs(folder);
  // While it is unpacked, the archives are still there.
  const needed = missing + unpackedBytes;
  if (bavail * bsize >= needed) return;
  throw new SetupError(
    `${folder} has ${gigabytes(bavail * bsize)} free; libtorch ${version} needs ${gigabytes(needed)} while it is ` +
      `installed and ${gigabytes(unpackedBytes)} afterwards. Free some space or set FINETAG_CACHE.`,
  );
}

/** One file by the first source that works. @returns `{ archive, file }` */
async function bring(archives, folder, version, options) {
  const reasons = [];
  for (const archive of archives) {
    const file = join(folder, archiveName(archive));
    const title = archive.root === "nvidia" ? archive.name : `libtorch ${version} from ${archive.name}`;
    begin(`${title} (${megabytes(archive.bytes)})`);
    try {
      await bringOne(archive, file, options);
      return { archive, file };
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(`  ${archive.name}: ${error.message}`);
      note(`${archive.name} can't be used: ${error.message}`);
    } finally {
      clearStatus();
    }
  }
  throw new SetupError(
    `No source of libtorch ${version} works:\n${reasons.join("\n")}\n` +
      "Run again when the network is back (what was downloaded is kept), or get libtorch from elsewhere and set\n" +
      "LIBTORCH_PATH to its libtorch/ or torch/ folder.",
  );
}

async function bringOne(archive, file, options) {
  if (archive.kind !== "pip") {
    const onProgress = transferProgress(archive.bytes);
    return download({ ...archive, file }, { onProgress, ...options.download });
  }
  if ((await sizeOf(file)) === archive.bytes) return verify(file, { ...archive, url: file });
  await options.ensurePip?.();
  return pipDownload(archive, file, options.pip);
}

async function sizeOf(file) {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

const HELP = `node third_party/fetch-libtorch.mjs [--variant cpu|cuda] [--print]

Downloads the pinned libtorch into the cache (or uses LIBTORCH_PATH) and shows its path.
  --variant  cpu (default), or cuda: PyTorch's CUDA 13.0 build and NVIDIA's libraries, 2.5 GB to download
  --print    print only the path to standard output`;

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
