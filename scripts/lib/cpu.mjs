import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/**
 * What this processor can do, for the key of a build that is compiled for the machine at hand (-march=native): the
 * same checkout on another processor must not run the old build.
 */
export function cpuIdentity() {
  const model = cpus()[0]?.model ?? "unknown";
  try {
    const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return `${model} | ${flags.split(" ").sort().join(" ")}`;
  } catch {
    return model;
  }
}
