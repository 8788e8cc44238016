import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** FINETAG_PORTABLE=1: a build for any processor, which picks the kernels' instruction set when it runs. */
export function isPortable() {
  return process.env.FINETAG_PORTABLE === "1";
}

/**
 * What this processor can do, for the key of a build that is compiled for the machine at hand (-march=native): the
 * same checkout on another processor must not run the old build.
 */
export function cpuIdentity() {
  if (isPortable()) return "portable";
  const model = cpus()[0]?.model ?? "unknown";
  try {
    const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return `${model} | ${flags.split(" ").sort().join(" ")}`;
  } catch {
    return model;
  }
}
