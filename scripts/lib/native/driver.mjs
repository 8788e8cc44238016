import { readFileSync } from "node:fs";
import { SetupError } from "../errors.mjs";
import { note } from "../terminal.mjs";

/** NVIDIA's kernel driver provides this file, inside containers too. */
const VERSION_FILE = "/proc/driver/nvidia/version";

/** The version of NVIDIA's driver, such as "580.95.05", or undefined if there is none. */
export function nvidiaDriver(file = VERSION_FILE) {
  try {
    return /\s(\d+\.\d+(\.\d+)?)\s/.exec(readFileSync(file, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

/**
 * Stops the set-up of a variant whose GPUs this machine can't use, before gigabytes are downloaded, unless `yes` is
 * given: the build works, and is useful for an image that runs elsewhere.
 *
 * @param needed the oldest major version of the driver that works; undefined if none is needed
 * @throws SetupError if the driver is missing or older, and `yes` is not given
 */
export function checkDriver(needed, yes, version = nvidiaDriver()) {
  if (needed === undefined || Number.parseInt(version, 10) >= needed) return;
  const found =
    version === undefined
      ? `no NVIDIA driver was found on this machine (${VERSION_FILE})`
      : `the NVIDIA driver on this machine is ${version}`;
  const problem = `${found}; this CUDA variant needs ${needed} or newer to use a GPU`;
  if (yes) {
    note(`${problem}; models will run on the CPU`);
    return;
  }
  throw new SetupError(
    `${problem[0].toUpperCase()}${problem.slice(1)}.\nTo set it up anyway, add --yes; models then run on the CPU.`,
  );
}
