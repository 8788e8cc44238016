import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** The name of the controller in a list such as `cpu,cpuacct`. */
const CPU_CONTROLLER = /(^|,)cpu(,|$)/;

/**
 * The CPU time that this process's control groups grant it, in CPUs (1.5: three seconds of CPU time in two seconds): the
 * smallest quota of its group and of those above it. Docker's `--cpus`, a Kubernetes limit and systemd's `CPUQuota=`
 * set one. Threads beyond it do not compute more: they use the quota up early, and then all of them stand still.
 *
 * @param root The root of the file system, for tests.
 * @returns undefined without a quota, and where there are no control groups.
 */
export function cpuQuota(root = "/"): number | undefined {
  const read = (...path: string[]) => readText(join(root, ...path));
  const mounts = mountsOf(read("proc", "self", "mountinfo"));
  const quotas = read("proc", "self", "cgroup")
    .split("\n")
    .flatMap((line) => groupsOf(line, mounts))
    .flatMap(({ mountPoint, path }) =>
      upwards(path).map((group) => quotaOf((file) => read(mountPoint, group, file))),
    )
    .filter((quota) => quota !== undefined);
  return quotas.length === 0 ? undefined : Math.min(...quotas);
}

/** How many threads can compute at once: the cores of the affinity mask, less where the quota allows less; at least 1. */
export function usableCores(allowed = availableParallelism(), quota = cpuQuota()): number {
  // Rounded down: of a quota of 1.5, two threads would use up each period early and stop in the middle of a batch, and
  // JavaScript and the tokenizer need some of it, too.
  return Math.max(1, Math.min(allowed, Math.floor(quota ?? allowed)));
}

/** A mounted hierarchy of control groups that can have a CPU quota. */
interface Mount {
  version: 1 | 2;
  /** The group that is mounted, as seen from the hierarchy's root. */
  group: string;
  mountPoint: string;
}

/** Format: proc(5), "/proc/pid/mountinfo". */
function mountsOf(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line): Mount[] => {
    const [mount = "", fileSystem = ""] = line.split(" - ");
    const [, , , group, mountPoint] = mount.split(" ").map(unescaped);
    const [type, , options = ""] = fileSystem.split(" ");
    if (group === undefined || mountPoint === undefined) return [];
    if (type === "cgroup2") return [{ version: 2, group, mountPoint }];
    const isCpu = type === "cgroup" && CPU_CONTROLLER.test(options);
    return isCpu ? [{ version: 1, group, mountPoint }] : [];
  });
}

/** Blanks are in octal. */
function unescaped(field: string): string {
  return field.replaceAll(/\\(\d{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/**
 * Where the group of a line of /proc/self/cgroup is mounted: `0::/path` of version 2, `4:cpu,cpuacct:/path` of version 1.
 * The mount may be of that group itself, as in a container without a namespace of control groups; a path outside of the
 * mount says nothing, and the mounted group is the nearest that can be seen.
 */
function groupsOf(line: string, mounts: readonly Mount[]): { mountPoint: string; path: string }[] {
  const [id, controllers = "", ...rest] = line.split(":");
  const isUnified = id === "0" && controllers === "";
  if (!isUnified && !CPU_CONTROLLER.test(controllers)) return [];
  const path = rest.join(":");
  const own = mounts.filter(({ version }) => version === (isUnified ? 2 : 1));
  const inside = own.find(({ group }) => isWithin(path, group));
  if (inside !== undefined) {
    const { mountPoint, group } = inside;
    return [{ mountPoint, path: group === "/" ? path : path.slice(group.length) }];
  }
  return own.slice(0, 1).map(({ mountPoint }) => ({ mountPoint, path: "/" }));
}

function isWithin(path: string, group: string): boolean {
  return !path.split("/").includes("..") && (group === "/" || path === group || path.startsWith(`${group}/`));
}

/** A path and all above it: `/a/b`, `/a`, `/`. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter(Boolean);
  return Array.from({ length: parts.length + 1 }, (_, i) => `/${parts.slice(0, parts.length - i).join("/")}`);
}

/** Both in microseconds; version 2 has them in one file, with `max` for none, version 1 in two, with -1. */
function quotaOf(read: (file: string) => string): number | undefined {
  const [ofTwo, periodOfTwo] = read("cpu.max").split(/\s+/);
  const [quota, period] = ofTwo
    ? [Number(ofTwo), Number(periodOfTwo)]
    : [Number(read("cpu.cfs_quota_us")), Number(read("cpu.cfs_period_us"))];
  return quota > 0 && period > 0 ? quota / period : undefined;
}

/** Files that do not exist count as empty: other systems, and groups that cannot be seen from inside. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
