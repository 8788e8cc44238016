import { fstatSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";

/**
 * Whether the user wants this process to outlive its terminal, as with `nohup`. Programs inherit that as a signal that is
 * ignored, but Node resets it as it starts, so it shows only in what is around: the parent ignores the signal too (a script
 * with `trap "" HUP`), `nohup` has put its own stdin in place of the terminal, or the shell says that it started `nohup`.
 * `setsid` and `disown` need nothing: no SIGHUP comes then.
 */
export function hangupIsIgnored(): boolean {
  return parentIgnoresIt() || hasStdinOfNohup() || wasStartedByNohup();
}

function parentIgnoresIt(): boolean {
  const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readIfAny(`/proc/${process.ppid}/status`))?.[1];
  return ignored !== undefined && (Number.parseInt(ignored.slice(-1), 16) & 1) === 1; // SIGHUP is number 1
}

/** /dev/null, opened to be written: a read then fails. Nobody else does that. */
function hasStdinOfNohup(): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readIfAny("/proc/self/fdinfo/0"))?.[1];
  return flags !== undefined && (Number.parseInt(flags.slice(-1), 8) & 3) === 1 && stdinIsNull();
}

/** Shells put the path of the program that they start into `_`. */
function wasStartedByNohup(): boolean {
  return basename(process.env._ ?? "") === "nohup" && stdinIsNull();
}

function stdinIsNull(): boolean {
  try {
    return fstatSync(0).rdev === statSync("/dev/null").rdev;
  } catch {
    return false;
  }
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
