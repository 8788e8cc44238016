import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { chooseSpins, idleTimes, spinCount } from "../lib/spins.ts";

const LONG = "50000";
const SHORT = "1000";

/** What a process may run on, as the kernel writes it. */
const status = (list: string) =>
  `Name:\tnode\nCpus_allowed:\tffff\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`;

/** /proc/stat of cores with these idle times, in hundredths of a second. */
const stat = (idle: readonly number[]) =>
  ["cpu  9 9 9 999999 9 0 0 0 0 0", ...idle.map((ticks, core) => `cpu${core} 1 2 3 ${ticks} 5 0 6 7 0 0`)]
    .concat("intr 1 0 4", "ctxt 1")
    .join("\n");

/** Two samples 100 ms apart: `cores` have 10 ticks of idle time in between where they are free. */
function spins(cores: readonly ("free" | "busy")[], allowed: string, own = 0): string {
  const before = idleTimes(stat(cores.map(() => 1000)), status(allowed));
  const after = idleTimes(stat(cores.map((core) => (core === "free" ? 1010 : 1000))), status(allowed));
  return chooseSpins({ at: 500, own: 20, idle: before }, { at: 600, own: 20 + own, idle: after });
}

describe("how long threads spin", () => {
  const free = Array.from({ length: 64 }, () => "free" as const);
  const busy = (...cores: number[]) =>
    free.map((_, core) => (cores.includes(core) ? ("busy" as const) : ("free" as const)));

  it.each([
    ["all of 64 are free", free, "0-63", LONG],
    ["one of 64 is busy", busy(17), "0-63", SHORT],
    ["2 of 64 are allowed, and free", free, "4-5", LONG],
    ["2 of 64 are allowed, and one is busy", busy(5), "4-5", SHORT],
    ["2 of 64 are allowed, and both are busy", busy(4, 5), "4,5", SHORT],
    ["2 of 64 are allowed, and only others are busy", busy(0, 1, 2, 3, 6, 63), "4-5", LONG],
    ["they lie apart, and one is busy", busy(40), "0-3,8,40-41", SHORT],
    ["they lie apart, and those between are busy", busy(4, 7, 9, 39, 42), "0-3,8,40-41", LONG],
  ])("%s", (_, cores, allowed, expected) => {
    expect(spins(cores, allowed)).toBe(expected);
  });

  it("does not take this process's own work for another's", () => {
    expect(spins(busy(5), "4-5", 100)).toBe(LONG);
    expect(spins(busy(4, 5), "4-5", 100)).toBe(SHORT);
  });

  it("looks at all cores where the list names some that are not counted", () => {
    expect(spins(["free", "free"], "12-13")).toBe(LONG);
    expect(spins(["free", "busy"], "12-13")).toBe(SHORT);
    expect(spins(["free", "busy"], "1-2")).toBe(SHORT);
    expect(spins(["free", "busy"], "")).toBe(SHORT);
  });

  it("is short where a quota grants less than the cores", () => {
    expect(spinCount(0.5)).toBe(SHORT);
  });

  it("is short while another process is busy on the one core that is allowed, as libgomp reads it", async ({
    skip,
  }) => {
    const taskset = spawnSync("taskset", ["--version"]).error === undefined;
    skip(!taskset, "there is no taskset");
    const own = readFileSync("/proc/self/status", "utf8");
    const [, list = "", core = ""] = /^Cpus_allowed_list:\s*((\d+).*)$/m.exec(own) ?? [];
    skip(list === core, "needs a second core, which is free then");

    const busy = spawn("taskset", ["-c", core, process.execPath, "-e", 'console.log("on"); for (;;);']);
    try {
      await once(busy.stdout, "data");
      const load = 'import("@finetag/core-native").then(({ loadAddon }) => loadAddon())';
      const { OMP_WAIT_POLICY: _, GOMP_SPINCOUNT: __, ...env } = process.env;
      const { status, stderr } = spawnSync("taskset", ["-c", core, process.execPath, "-e", load], {
        cwd: import.meta.dirname,
        env: { ...env, OMP_DISPLAY_ENV: "verbose" },
        encoding: "utf8",
      });
      expect(status, stderr).toBe(0);
      skip(!stderr.includes("GOMP_"), "this libtorch brings another OpenMP than libgomp");
      expect(stderr).toContain(`GOMP_SPINCOUNT = '${SHORT}'`);
    } finally {
      busy.kill("SIGKILL");
    }
  });
});
