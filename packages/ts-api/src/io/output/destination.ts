import type { Stats } from "node:fs";
import { readlink, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FinetagError } from "../../errors/index.ts";
import { ioError, isNotFound, isSystemError } from "../errors.ts";

/** What is behind a path that is written. */
export type Destination =
  /** A file that is there or may be; links to it are followed. `mode` is that of the file that is there. */
  | { kind: "file"; path: string; mode: number | undefined }
  /** A pipe with a name. */
  | { kind: "pipe"; path: string }
  /** A device, such as /dev/null. */
  | { kind: "device"; path: string }
  /** An open file of this process: /dev/stdout, /dev/fd/63, a shell's `>(command)`. */
  | { kind: "descriptor"; path: string; fd: number };

/** As many as Linux follows. */
const MOST_LINKS = 40;

/** An open file of this process by its path, where links are resolved. */
const OWN_DESCRIPTOR = new RegExp(
  `^(?:/proc/(?:self|thread-self|${process.pid})(?:/task/\\d+)?|/dev)/fd/(\\d+)$`,
);

/**
 * Finds out what is behind a path. A link stays a link: what it leads to is written, whether it is there or not.
 *
 * @throws ERR_FINETAG_IO for a folder, a socket, a disk, and for a path that leads nowhere.
 */
export async function findDestination(path: string): Promise<Destination> {
  const refuse = (why: string) => new FinetagError("ERR_FINETAG_IO", `${path}: ${why}`, { kind: "input" });
  const target = await followLinks(path);
  if (typeof target === "number") return { kind: "descriptor", path, fd: target };
  const entry = await statIfAny(path);
  if (entry === undefined || entry.isFile()) {
    const mode = entry === undefined ? undefined : entry.mode & 0o777;
    return { kind: "file", path: target, mode };
  }
  if (entry.isFIFO()) return { kind: "pipe", path };
  if (entry.isCharacterDevice()) return { kind: "device", path };
  if (entry.isDirectory()) throw refuse("it is a folder, not a file; give a file");
  throw refuse(`it is a ${entry.isSocket() ? "socket" : "disk"}, not a file; give a file`);
}

async function statIfAny(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error) => {
    if (!isSystemError(error) || error.code !== "ENOENT") throw error;
    return undefined;
  });
}

/**
 * The last path of a chain of links, which is no link or does not exist; or the number of an open file of this process, since
 * a link to such a file, opened by its path, would be another one.
 */
async function followLinks(given: string): Promise<string | number> {
  let path = given;
  for (let followed = 0; followed <= MOST_LINKS; followed++) {
    const folder = await realFolder(given, path);
    path = join(folder, basename(path));
    const own = OWN_DESCRIPTOR.exec(path);
    if (own !== null) return Number(own[1]);
    const link = await readlink(path).catch(() => undefined);
    // What /proc shows of other processes' files are no paths.
    if (link === undefined || /^\/proc\/\d+\/fd\//.test(path)) return path;
    path = resolve(folder, link);
  }
  await stat(given); // ELOOP
  return path;
}

async function realFolder(given: string, path: string): Promise<string> {
  const folder = dirname(resolve(path));
  try {
    return await realpath(folder);
  } catch (error) {
    if (path === given || !isNotFound(error)) throw ioError(error, "write", given);
    throw new FinetagError(
      "ERR_FINETAG_IO",
      `${given}: it links to ${path}, whose folder does not exist; create the folder, or use another path`,
      { cause: error, kind: "input" },
    );
  }
}
