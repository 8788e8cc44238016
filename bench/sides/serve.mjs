// What the sides in Node share: reading questions, answering, timing, peak memory.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** What the benchmark says to a side when it starts it. */
export const settings = JSON.parse(process.argv[2]);

/**
 * Answers questions until stdin ends.
 *
 * @param ready told first, when all is loaded
 * @param verbs by a question's `do`: what gives the answer
 */
export async function serve(ready, verbs) {
  const tell = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
  tell({ ...ready, peak_rss_mb: peakMb() });
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    tell({ ...(await verbs[question.do](question)), peak_rss_mb: peakMb() });
  }
}

/** Seconds that `work` takes. */
export async function seconds(work) {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Milliseconds of `work` on each item alone, one after the other. */
export async function eachAlone(items, work) {
  const milliseconds = [];
  for (const item of items) milliseconds.push(1000 * (await seconds(() => work(item))));
  return { milliseconds };
}

/** Items in their order, so many at a time. */
export function* chunks(items, size) {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

/** As lists of numbers, one per row. */
export function rowsOf(data, columns) {
  return [...chunks(Array.from(data), columns)];
}

function peakMb() {
  try {
    // getrusage's maximum survives exec and would be that of the parent, where that was larger.
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
