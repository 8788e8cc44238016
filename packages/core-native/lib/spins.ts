import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { cpuQuota } from "./cores.ts";

/**
 * How long libgomp's threads spin at the end of each parallel region before they sleep (ADR 5). To be woken costs
 * a large part of a millisecond, so where the cores are ours, spinning doubles the speed of training. Where another
 * program wants a core, the spinning keeps off it the very thread that all wait for.
 */
const LONG = "50000";
const SHORT = "1000";
const WINDOW_MS = 60;

/** All in milliseconds. */
export interface Sample {
  at: number;
  /** What this process computed. */
  own: number;
  /** Of each core that this process may run on. */
  idle: readonly number[];
}

/**
 * Long, unless others kept one of the cores busy between two samples. Like OpenMP this goes by the cores that the
 * process may run on.
 */
export function chooseSpins(before: Sample, after: Sample): string {
  const unclaimed = ({ own, idle }: Sample) => idle.reduce((total, core) => total + core, own);
  const free = (unclaimed(after) - unclaimed(before)) / (after.at - before.at);
  // The kernel counts in hundredths of a second.
  return free > after.idle.length - 0.4 ? LONG : SHORT;
}

/**
 * The idle time of each core that the process may run on: in a container, or under taskset, the host's others say
 * nothing. All cores where the two texts don't fit together, as where lxcfs counts a container's cores from 0.
 *
 * @param stat /proc/stat
 * @param status /proc/self/status
 */
export function idleTimes(stat: string, status: string): number[] {
  const lines = stat.matchAll(/^cpu(\d+)(?: +\d+){3} +(\d+)/gm);
  const idle = new Map([...lines].map(([, core, ticks]) => [Number(core), Number(ticks) * 10]));
  const allowed = coresOf(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
  const times = allowed.map((core) => idle.get(core));
  return times.length > 0 && times.every((time) => time !== undefined) ? times : [...idle.values()];
}

/** The cores of a list such as `0-3,8`. */
function coresOf(list: string): number[] {
  return [...list.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, first, last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i),
  );
}

function sample(): Sample {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), own: (user + system) / 1000, idle: readIdle() };
}

function readIdle(): number[] {
  try {
    return idleTimes(readFileSync("/proc/stat", "utf8"), readFileSync("/proc/self/status", "utf8"));
  } catch {
    return cpus().map(({ times }) => times.idle); // not Linux
  }
}

const start = sample();

/**
 * GOMP_SPINCOUNT for this process: long, unless others keep cores busy since this module was loaded, or a quota grants
 * less than the cores: spinning would use it up, and then no thread runs until the next period.
 */
export function spinCount(quota = cpuQuota()): string {
  if (quota !== undefined && quota < start.idle.length) return SHORT;
  const passed = performance.now() - start.at;
  if (passed < WINDOW_MS) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WINDOW_MS - passed);
  return chooseSpins(start, sample());
}
