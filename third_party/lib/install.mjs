import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SetupError } from "../../scripts/lib/errors.mjs";
import { output } from "../../scripts/lib/exec.mjs";
import { clearStatus, status } from "../../scripts/lib/terminal.mjs";
import { inspectLibtorch, placeEntry, placeLibrary } from "./layout.mjs";
import { archiveName } from "./manifest.mjs";
import { unpackZip } from "./unpack.mjs";

const MARKER = ".finetag-complete.json";

/**
 * Unpacks archives next to the target and renames the folder, so whatever has the target's name is complete.
 *
 * @param parts `{ archive, file }` of libtorch, then of each library that it needs
 * @param options.folder where in the target libtorch goes (a wheel finds its libraries by their relative place)
 */
export async function install(parts, target, { version, folder = "" }) {
  const temporary = `${target}.${process.pid}.tmp`;
  const [{ archive: libtorch, file: libtorchFile }] = parts;
  try {
    await mkdir(temporary);
    let files = 0;
    for (const { archive, file } of parts) {
      const place = archive === libtorch ? placeIn(folder, archive.root) : placeLibrary;
      const unpacked = await unpackZip(file, temporary, place, {
        onProgress: (count) => count % 100 === 0 && status(`unpacking: ${files + count} files`),
      });
      if (unpacked === 0 && archive !== libtorch)
        throw new SetupError(`${archive.name} (${basename(file)}) contains no libraries.`);
      files += unpacked;
    }
    clearStatus();
    const { problem } = inspectLibtorch(join(temporary, folder));
    if (problem !== undefined)
      throw new SetupError(`${basename(libtorchFile)} is not a libtorch: ${problem}.`);
    // The marker must not reach the disk before what it vouches for. Syncing ten thousand headers one by one takes
    // a minute on a slow disk, the file system as a whole a second.
    output("sync", ["-f", temporary]);
    const sha256 = parts.map(({ archive }) => archive.sha256);
    const marker = { version, source: libtorch.name, sha256, files };
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
        `No space left in ${dirname(target)} while unpacking libtorch. Free some space or set FINETAG_CACHE.`,
      );
    }
    throw error;
  }
}

function placeIn(folder, root) {
  return (name) => {
    const place = placeEntry(root, name);
    return place === undefined ? undefined : join(folder, place);
  };
}

export function isComplete(target, folder = "") {
  return existsSync(join(target, MARKER)) && existsSync(join(target, folder, "lib"));
}

/** Removes temporary folders of killed runs. The lock is held, so no process is writing to them. */
export async function removeRemains(target, archives) {
  const folder = dirname(target);
  const isRemains = (name) =>
    (name.startsWith(`${basename(target)}.`) && name.endsWith(".tmp")) ||
    archives.some((archive) => name.startsWith(`${archiveName(archive)}.pip-`));
  for (const name of (await readdir(folder)).filter(isRemains)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
