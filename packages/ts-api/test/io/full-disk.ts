import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder with room for `bytes`, and how it was made. */
export interface SmallDisk {
  folder: string;
  release(): Promise<void>;
}

/** A real full disk: a small tmpfs. Needs the right to mount; undefined with a printed reason without it. */
export async function smallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "finetag-disk-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "finetag-test", folder], { stdio: "pipe" });
  } catch (error) {
    console.log(`no tmpfs can be mounted here, which needs root: ${firstLine(error)}`);
    await remove();
    return undefined;
  }
  return {
    folder,
    release: async () => {
      execFileSync("umount", [folder]);
      await remove();
    },
  };
}

/**
 * Runs `body` while this process may write no file larger than `bytes` (RLIMIT_FSIZE; node ignores SIGXFSZ, so a
 * larger write fails with EFBIG). Lowering a soft limit needs no privilege.
 *
 * @returns False with a printed reason where `prlimit` is missing.
 */
export async function withFileSizeLimit(bytes: number, body: () => Promise<void>): Promise<boolean> {
  const prlimit = (...args: string[]) =>
    execFileSync("prlimit", ["--pid", String(process.pid), ...args], { stdio: "pipe", encoding: "utf8" });
  let before: string;
  try {
    before = prlimit("--fsize", "--output", "SOFT", "--noheadings").trim();
    prlimit(`--fsize=${bytes}:`);
  } catch (error) {
    console.log(`the file size limit cannot be set, which needs prlimit of util-linux: ${firstLine(error)}`);
    return false;
  }
  try {
    await body();
  } finally {
    prlimit(`--fsize=${before}:`);
  }
  return true;
}

function firstLine(error: unknown): string {
  return String(error).split("\n")[0] ?? "";
}
