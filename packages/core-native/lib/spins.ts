import { availableParallelism, cpus } from "node:os";

/**
 * How long libgomp's threads spin at the end of each parallel region before they sleep (ADR 5). To be woken costs
 * a large part of a millisecond, so where the cores are ours, spinning doubles the speed of training. Where another
 * program wants a core, the spinning keeps off it the very thread that all wait for.
 */
const LONG = "50000";
const SHORT = "1000";
const WINDOW_MS = 60;

interface Sample {
  at: number;
  idle: number; // milliseconds of all cores
  own: number; // milliseconds of this process
}

function sample(): Sample {
  const { user, system } = process.cpuUsage();
  const idle = cpus().reduce((total, core) => total + core.times.idle, 0);
  return { at: performance.now(), idle, own: (user + system) / 1000 };
}

const start = sample();

/** GOMP_SPINCOUNT for this process: long, unless others keep cores busy since this module was loaded. */
export function spinCount(): string {
  const passed = performance.now() - start.at;
  if (passed < WINDOW_MS) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WINDOW_MS - passed);
  const now = sample();
  const free = (now.idle - start.idle + now.own - start.own) / (now.at - start.at);
  // The kernel counts in hundredths of a second.
  return free > availableParallelism() - 0.4 ? LONG : SHORT;
}
