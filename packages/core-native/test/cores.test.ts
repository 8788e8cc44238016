import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cpuQuota, usableCores } from "../lib/cores.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A file system with these files. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "finetag-cgroup-"));
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** Lines of mountinfo: others, and these. */
const mounts = (...lines: string[]) =>
  [
    "22 1 252:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
    "25 22 0:5 / /proc rw - proc proc rw",
    ...lines,
    "",
  ].join("\n");
const mount1 = (group: string, at = "/sys/fs/cgroup/cpu,cpuacct", controllers = "cpu,cpuacct") =>
  `32 31 0:29 ${group} ${at} rw,nosuid shared:9 - cgroup cgroup rw,${controllers}`;
const mount2 = (group: string, at = "/sys/fs/cgroup") =>
  `41 31 0:38 ${group} ${at} rw,relatime shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate`;

/** A group of version 2, seen through these mounts. */
const two = (path: string, mountinfo: string, files: Record<string, string>) => ({
  "proc/self/cgroup": `0::${path}\n`,
  "proc/self/mountinfo": mountinfo,
  ...files,
});
const one = (
  path: string,
  mountinfo: string,
  quotas: Record<string, [number | string, number | string]>,
) => ({
  "proc/self/cgroup": `12:memory:/elsewhere\n4:cpu,cpuacct:${path}\n3:cpuset:/\n1:name=systemd:/x\n0::/\n`,
  "proc/self/mountinfo": mountinfo,
  ...Object.fromEntries(
    Object.entries(quotas).flatMap(([group, [quota, period]]) => [
      [`${group}/cpu.cfs_quota_us`, `${quota}\n`],
      [`${group}/cpu.cfs_period_us`, `${period}\n`],
    ]),
  ),
});

const HIERARCHY1 = "sys/fs/cgroup/cpu,cpuacct";

describe("the CPU quota", () => {
  const cases: [string, Record<string, string>, number | undefined][] = [
    ["no /proc at all", {}, undefined],
    ["no control groups", { "proc/self/cgroup": "", "proc/self/mountinfo": mounts() }, undefined],
    [
      "version 2, in a namespace of its own",
      two("/", mounts(mount2("/")), { "sys/fs/cgroup/cpu.max": "200000 100000\n" }),
      2,
    ],
    [
      "version 2, a fraction, and another period",
      two("/", mounts(mount2("/")), { "sys/fs/cgroup/cpu.max": "75000 50000\n" }),
      1.5,
    ],
    ["version 2, max", two("/", mounts(mount2("/")), { "sys/fs/cgroup/cpu.max": "max 100000\n" }), undefined],
    ["version 2, the host's root, which has no cpu.max", two("/", mounts(mount2("/")), {}), undefined],
    [
      "version 2, in a group of its own on the host",
      two("/user.slice/run-1.scope", mounts(mount2("/")), {
        "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
        "sys/fs/cgroup/user.slice/run-1.scope/cpu.max": "350000 100000\n",
      }),
      3.5,
    ],
    [
      "version 2, a quota of a group above, and none of its own",
      two("/a/b/c", mounts(mount2("/")), {
        "sys/fs/cgroup/a/cpu.max": "100000 100000",
        "sys/fs/cgroup/a/b/c/cpu.max": "max 100000",
      }),
      1,
    ],
    [
      "version 2, quotas at three levels: the smallest holds",
      two("/a/b/c", mounts(mount2("/")), {
        "sys/fs/cgroup/a/cpu.max": "400000 100000",
        "sys/fs/cgroup/a/b/cpu.max": "30000 10000",
        "sys/fs/cgroup/a/b/c/cpu.max": "800000 100000",
      }),
      3,
    ],
    [
      "version 2, the controller is not switched on in the own group",
      two("/kubepods/pod7/x", mounts(mount2("/")), {
        "sys/fs/cgroup/kubepods/pod7/cpu.max": "250000 100000",
      }),
      2.5,
    ],
    [
      "version 2, the container's group is mounted, and the path is the host's",
      two("/docker/abc", mounts(mount2("/docker/abc")), { "sys/fs/cgroup/cpu.max": "200000 100000" }),
      2,
    ],
    [
      "version 2, a group below the mounted one",
      two("/docker/abc/job", mounts(mount2("/docker/abc")), {
        "sys/fs/cgroup/cpu.max": "600000 100000",
        "sys/fs/cgroup/job/cpu.max": "400000 100000",
      }),
      4,
    ],
    [
      "version 2, the path is outside of the namespace",
      two("/../../other", mounts(mount2("/")), { "sys/fs/cgroup/cpu.max": "200000 100000" }),
      2,
    ],
    [
      "version 2, another group is mounted, whose name begins alike",
      two("/docker/abcdef", mounts(mount2("/docker/abc")), {
        "sys/fs/cgroup/cpu.max": "200000 100000",
        "sys/fs/cgroup/def/cpu.max": "100000 100000",
      }),
      2,
    ],
    [
      "version 2, a mount point with a blank",
      two("/", mounts(mount2("/", "/mnt/control\\040groups")), {
        "mnt/control groups/cpu.max": "200000 100000",
      }),
      2,
    ],
    ["version 2, damaged", two("/", mounts(mount2("/")), { "sys/fs/cgroup/cpu.max": "lots\n" }), undefined],
    [
      "version 1, in the root group",
      one("/", mounts(mount1("/")), { [HIERARCHY1]: [-1, 100000] }),
      undefined,
    ],
    [
      "version 1, the container's group is mounted, and the path is the host's",
      one("/docker/abc", mounts(mount1("/docker/abc")), { [HIERARCHY1]: [150000, 100000] }),
      1.5,
    ],
    [
      "version 1, the host's whole hierarchy is mounted",
      one("/docker/abc", mounts(mount1("/")), {
        [HIERARCHY1]: [-1, 100000],
        [`${HIERARCHY1}/docker`]: [-1, 100000],
        [`${HIERARCHY1}/docker/abc`]: [400000, 200000],
      }),
      2,
    ],
    [
      "version 1, a quota of a group above",
      one("/pod/c1", mounts(mount1("/")), {
        [`${HIERARCHY1}/pod`]: [300000, 100000],
        [`${HIERARCHY1}/pod/c1`]: [-1, 100000],
      }),
      3,
    ],
    [
      "version 1, the path cannot be seen in the mount",
      one("/docker/abc", mounts(mount1("/")), { [HIERARCHY1]: [200000, 100000] }),
      2,
    ],
    [
      "version 1, the controller alone, next to one with cpu in its name",
      {
        "proc/self/cgroup": "9:cpuset:/s\n8:cpuacct:/t\n7:cpu:/u\n",
        "proc/self/mountinfo": mounts(
          mount1("/", "/sys/fs/cgroup/cpuset", "cpuset"),
          mount1("/", "/sys/fs/cgroup/cpuacct", "cpuacct"),
          mount1("/", "/sys/fs/cgroup/cpu", "cpu"),
        ),
        "sys/fs/cgroup/cpuset/s/cpu.cfs_quota_us": "1",
        "sys/fs/cgroup/cpuset/s/cpu.cfs_period_us": "1",
        "sys/fs/cgroup/cpuacct/t/cpu.cfs_quota_us": "1",
        "sys/fs/cgroup/cpuacct/t/cpu.cfs_period_us": "1",
        "sys/fs/cgroup/cpu/u/cpu.cfs_quota_us": "500000",
        "sys/fs/cgroup/cpu/u/cpu.cfs_period_us": "100000",
      },
      5,
    ],
    [
      "both versions: the controller is in version 1",
      one("/job", mounts(mount1("/"), mount2("/", "/sys/fs/cgroup/unified")), {
        [`${HIERARCHY1}/job`]: [700000, 100000],
      }),
      7,
    ],
    [
      "version 1, a period that is missing",
      {
        "proc/self/cgroup": "4:cpu:/\n",
        "proc/self/mountinfo": mounts(mount1("/")),
        [`${HIERARCHY1}/cpu.cfs_quota_us`]: "200000",
      },
      undefined,
    ],
    [
      "a name with a colon",
      two("/a:b", mounts(mount2("/")), { "sys/fs/cgroup/a:b/cpu.max": "200000 100000" }),
      2,
    ],
  ];
  it.each(cases)("%s", (_, files, expected) => {
    expect(cpuQuota(tree(files))).toBe(expected);
  });

  it("can be read on this machine", () => {
    const quota = cpuQuota();
    if (quota !== undefined) expect(quota).toBeGreaterThan(0);
  });
});

/** A control group with a quota of one CPU, and its file of processes; undefined where none can be made. */
function makeGroup(): { folder: string; members: string } | undefined {
  for (const [hierarchy, files, members] of [
    ["/sys/fs/cgroup/cpu", { "cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "100000" }, "tasks"],
    ["/sys/fs/cgroup", { "cpu.max": "100000 100000" }, "cgroup.procs"],
  ] as const) {
    const folder = join(hierarchy, `finetag-test-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue; // not root, not mounted, or read-only
    }
    try {
      for (const [name, text] of Object.entries(files))
        writeFileSync(join(folder, name), text, { flag: "r+" });
      return { folder, members: join(folder, members) };
    } catch {
      rmdirSync(folder); // the controller is not switched on
    }
  }
  return undefined;
}

it("under a real quota, the engine's threads follow it, and spin for a short time only", ({ skip }) => {
  const group = makeGroup();
  if (group === undefined) return skip("no control group can be made here");
  try {
    const print = "({ loadAddon }) => console.log(loadAddon().info().threads)";
    const script = `echo $$ > ${group.members} && exec "$0" -e '${`import("@finetag/core-native").then(${print})`}'`;
    const { OMP_NUM_THREADS: _, OMP_WAIT_POLICY: __, GOMP_SPINCOUNT: ___, ...rest } = process.env;
    const run = (more: NodeJS.ProcessEnv = {}) =>
      spawnSync("sh", ["-c", script, process.execPath], {
        cwd: import.meta.dirname,
        env: { ...rest, OMP_DISPLAY_ENV: "verbose", ...more },
        encoding: "utf8",
      });
    const limited = run();
    if (limited.stderr.includes("group: Permission denied")) return skip("processes cannot enter the group");
    expect(limited.stdout, limited.stderr).toBe("1\n");
    if (limited.stderr.includes("GOMP_")) expect(limited.stderr).toContain("GOMP_SPINCOUNT = '1000'");
    expect(run({ OMP_NUM_THREADS: "2" }).stdout).toBe("2\n");
  } finally {
    rmdirSync(group.folder);
  }
});

describe("the number of threads", () => {
  it.each([
    [64, undefined, 64],
    [64, 2, 2],
    [64, 2.9, 2],
    [64, 1.5, 1],
    [64, 0.5, 1],
    [2, 8, 2],
    [4, 4, 4],
  ])("of %s cores and a quota of %s it is %s", (allowed, quota, expected) => {
    expect(usableCores(allowed, quota)).toBe(expected);
  });
});
