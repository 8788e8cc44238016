import { constants } from "node:os";
import { FinetagError } from "../errors/index.ts";

/** To "write into" something leaves no older file: a device, a pipe, a file that a shell has opened. */
type Access = "read" | "write" | "write into";

/** What went wrong and what to do, by the operating system's error code. */
const CAUSES: Record<string, (access: Access) => string> = {
  ENOSPC: (access) => `no space left on the device; free space${untouched(access)}`,
  EDQUOT: (access) => `the disk quota is used up; free space or ask for a larger quota${untouched(access)}`,
  EFBIG: (access) =>
    `the file would be larger than the file system or \`ulimit -f\` allows; raise the limit${untouched(access)}`,
  EACCES: (access) => `no permission to ${access} it; change its owner or mode, or use another path`,
  EPERM: (access) => `no permission to ${access} it; change its owner or mode, or use another path`,
  EROFS: () => "the file system is read-only; use a path on another one",
  ENOENT: (access) =>
    access === "read"
      ? "there is no such file; check the path"
      : "its folder does not exist; create it, or use another path",
  EEXIST: () => "something else of this name is there; remove it, or use another path",
  ENOTDIR: () => "a part of the path is a file, not a folder; check the path",
  EISDIR: () => "it is a folder, not a file; give a file",
  ELOOP: () => "its symbolic links form a loop; check the path",
  EMFILE: () => "too many files are open; raise `ulimit -n`",
  ENFILE: () => "too many files are open on this machine; close some programs",
  ENAMETOOLONG: () => "its name is too long; use a shorter path",
  EIO: () => "the device reports an input/output error; check the disk",
  EUCLEAN: () => "the file system is damaged; check the disk",
  ESTALE: () => "the network file system no longer knows it; mount it again, or use another path",
  ETIMEDOUT: () => "the file system does not answer; check the network and the mount",
  EHOSTDOWN: () => "the file system does not answer; check the network and the mount",
  ENXIO: () => "there is no device behind it, or nobody listens; use another path",
  ENODEV: () => "there is no device behind it; use another path",
  ENOMEDIUM: () => "there is no medium in the device; use another path",
  ENOKEY: () => "it is encrypted and locked; unlock it, or use another path",
  EBUSY: () => "it is in use, for example as a mount point; use another path",
  ETXTBSY: () => "it is a program that is running; use another path",
  EBADF: (access) => `it is not open to ${access}; use another path`,
  EPIPE: () => "its reader has gone",
  EINVAL: (access) =>
    `it cannot be ${access === "read" ? "read" : "written"} in this way; use a path on another file system`,
};

/** Codes that neither libuv nor Node names, on Linux. */
const LINUX_NAMES: Readonly<Record<number, string>> = {
  117: "EUCLEAN",
  123: "ENOMEDIUM",
  124: "EMEDIUMTYPE",
  126: "ENOKEY",
  127: "EKEYEXPIRED",
  128: "EKEYREVOKED",
  129: "EKEYREJECTED",
};

/** Codes for a path that leads to nothing, or to something else than was expected: the caller names another one. */
const WRONG_PATH: ReadonlySet<string> = new Set(["ENOENT", "EISDIR", "ENOTDIR", "ENAMETOOLONG", "ELOOP"]);

function untouched(access: Access): string {
  return access === "write" ? ", the older file is untouched" : "";
}

/**
 * Turns an error of `node:fs` into ERR_FINETAG_IO with the path and a remedy; any other error is returned as it is. It is
 * of kind `input` where the path is wrong, else `environment`.
 *
 * @param path The file the user knows, not the temporary one next to it.
 */
export function ioError(error: unknown, access: Access, path: string): unknown {
  if (error instanceof FinetagError || !isSystemError(error)) return error;
  const name = nameOf(error);
  const said = name === error.code ? error.message : name;
  const cause = CAUSES[name]?.(access) ?? `it cannot be ${access === "read" ? "read" : "written"} (${said})`;
  const kind = WRONG_PATH.has(name) ? "input" : "environment";
  return new FinetagError("ERR_FINETAG_IO", `${path}: ${cause}`, { cause: error, kind });
}

/**
 * The operating system's name of an error. Node calls those that libuv does not know, such as EDQUOT,
 * `Unknown system error -122`.
 */
function nameOf({ code, errno }: NodeJS.ErrnoException & { code: string }): string {
  if (errno === undefined || /^E[A-Z0-9]+$/.test(code)) return code;
  const number = Math.abs(errno);
  const known = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
  return known ?? (process.platform === "linux" ? LINUX_NAMES[number] : undefined) ?? `error ${number}`;
}

/** True for an error that a system call returned. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string" && "code" in error
  );
}

/** True where the file or a folder on its path does not exist: for the system's error, and for {@link ioError}'s of it. */
export function isNotFound(error: unknown): boolean {
  const cause = error instanceof FinetagError ? error.cause : error;
  return isSystemError(cause) && (cause.code === "ENOENT" || cause.code === "ENOTDIR");
}
