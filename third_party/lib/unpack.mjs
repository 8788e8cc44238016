import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { SetupError } from "../../scripts/lib/errors.mjs";

const SYMLINK = 0o120000;
const FILE_TYPE = 0o170000;

/**
 * Unpacks the entries of a zip for which `place` returns a path (relative to `directory`; undefined skips the entry).
 * Entries that point outside, absolute paths and links are refused: the pinned archives have none.
 *
 * @returns the number of files written
 */
export async function unpackZip(archive, directory, place, { onProgress = () => {} } = {}) {
  const { openPromise } = await zipLibrary();
  const base = resolve(directory);
  let files = 0;
  const zip = await openPromise(archive).catch((error) => {
    throw new SetupError(`${archive}: not a readable zip (${error.message}); remove it and run again.`);
  });
  try {
    for await (const entry of zip.eachEntry()) {
      const mode = entry.externalFileAttributes >>> 16;
      if ((mode & FILE_TYPE) === SYMLINK)
        throw new SetupError(`${archive}: contains a link, ${entry.fileName}; refused`);
      const relative = entry.fileName.endsWith("/") ? undefined : place(entry.fileName);
      if (relative === undefined) continue;
      const target = resolve(base, relative);
      if (!target.startsWith(base + sep)) {
        throw new SetupError(
          `${archive}: contains ${entry.fileName}, which points outside of the folder; refused`,
        );
      }
      await mkdir(dirname(target), { recursive: true });
      const contents = await zip.openReadStreamPromise(entry);
      await pipeline(contents, createWriteStream(target, { mode: mode & 0o111 ? 0o755 : 0o644 }));
      files += 1;
      onProgress(files);
    }
  } catch (error) {
    throw error instanceof SetupError ? error : new SetupError(`${archive}: ${error.message}`);
  } finally {
    zip.close();
  }
  return files;
}

async function zipLibrary() {
  try {
    const library = await import("yauzl");
    return library.default ?? library;
  } catch {
    throw new SetupError(
      "Unpacking libtorch needs the development packages: run `node scripts/bootstrap.mjs` once.",
    );
  }
}
