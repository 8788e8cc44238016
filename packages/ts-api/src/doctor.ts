import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { dirname } from "node:path";
import { cpuQuota, type NativeInfo, usableCores } from "@finetag/core-native";
import { openAddon } from "./engine/index.ts";
import { FinetagError } from "./errors/index.ts";
import { readSettings } from "./hub/index.ts";
import { VERSION } from "./version.ts";

/** The result of one check. */
export interface DoctorCheck {
  name: string;
  ok: boolean;
  detail: string;
  /** What to do if it is not ok. */
  remedy?: string;
}

/** What finetag found on this machine. */
export interface DoctorReport {
  finetag: string;
  node: string;
  platform: string;
  libtorch: NativeInfo | { error: string; remedy: string };
  /** Devices a model can be opened on. */
  devices: string[];
  /** Default number of threads. */
  threads: number;
  /** CPUs that a control group grants this process, e.g. 1.5; null if there is no limit. */
  cpuQuota: number | null;
  memoryMb: number;
  caches: { name: string; path: string; writable: boolean }[];
  checks: DoctorCheck[];
}

type Libtorch = DoctorReport["libtorch"];

/** Checks everything that finetag needs, and says how to fix what is missing. Failed checks never throw. */
export async function doctor(): Promise<DoctorReport> {
  const libtorch = await readLibtorch();
  const info = "error" in libtorch ? undefined : libtorch;
  const caches = await readCaches();
  const quota = cpuQuota();
  return {
    finetag: VERSION,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    libtorch,
    devices: ["cpu", ...(info?.cudaDevices.map((_, index) => `cuda:${index}`) ?? [])],
    threads: info?.threads ?? usableCores(),
    cpuQuota: quota ?? null,
    memoryMb: Math.round(totalmem() / 2 ** 20),
    caches: caches.found,
    checks: [
      checkNode(),
      checkPlatform(),
      checkLibtorch(libtorch),
      ...(info === undefined ? [] : [await checkGpu(info), checkThreads(info, quota)]),
      ...caches.checks,
    ],
  };
}

async function readLibtorch(): Promise<Libtorch> {
  try {
    return (await openAddon()).info();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      error: message,
      remedy: "run `npm run bootstrap` in finetag's folder; it builds what is missing",
    };
  }
}

function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  const remedy = "install Node.js 20.19 or later from nodejs.org";
  return { name: "Node.js", ok, detail: process.version, ...(ok ? {} : { remedy }) };
}

function checkPlatform(): DoctorCheck {
  const detail = `${process.platform}-${process.arch}`;
  const ok = detail === "linux-x64";
  return {
    name: "platform",
    ok,
    detail,
    ...(ok ? {} : { remedy: "finetag is tested on linux-x64; others may work" }),
  };
}

function checkLibtorch(libtorch: Libtorch): DoctorCheck {
  if ("error" in libtorch)
    return { name: "libtorch", ok: false, detail: libtorch.error, remedy: libtorch.remedy };
  const { libtorch: version, variant, cpuCapability, kernels, parallelBackend } = libtorch;
  return {
    name: "libtorch",
    ok: true,
    detail: `${version} (${variant}), ${cpuCapability}, ${parallelBackend}; finetag kernels for ${kernels}`,
  };
}

/** Exists if NVIDIA's driver is loaded, whatever libtorch supports. */
const NVIDIA_DRIVER = "/proc/driver/nvidia/version";

async function checkGpu(info: NativeInfo): Promise<DoctorCheck> {
  const name = "GPU";
  if (info.cudaDevices.length > 0) return { name, ok: true, detail: info.cudaDevices.join(", ") };
  const hasDriver = await isAccessible(NVIDIA_DRIVER, constants.F_OK);
  if (!hasDriver) return { name, ok: true, detail: "none on this machine; models run on the CPU" };
  return info.variant === "cpu"
    ? {
        name,
        ok: false,
        detail: "there is an NVIDIA driver, but libtorch is the CPU variant",
        remedy: "run `npx finetag setup --variant cuda` in finetag's folder",
      }
    : {
        name,
        ok: false,
        detail: `libtorch (${info.variant}) finds no GPU`,
        remedy: "check `nvidia-smi`; the driver may be too old for this CUDA version",
      };
}

function checkThreads({ threads, parallelBackend }: NativeInfo, quota: number | undefined): DoctorCheck {
  const cores = usableCores(availableParallelism(), quota);
  const limit = quota === undefined ? "" : ` (CPU quota ${Number(quota.toFixed(2))})`;
  const detail = `${threads} of ${availableParallelism()} cores${limit}, ${parallelBackend}`;
  const ok = threads <= cores;
  return {
    name: "threads",
    ok,
    detail,
    ...(ok ? {} : { remedy: `use \`threads: ${cores}\`, or set OMP_NUM_THREADS` }),
  };
}

async function readCaches(): Promise<{ found: DoctorReport["caches"]; checks: DoctorCheck[] }> {
  try {
    const { cache, hubCache } = readSettings({});
    const found = [
      { name: "finetag", path: cache, writable: await canWrite(cache) },
      { name: "Hugging Face", path: hubCache, writable: await canWrite(hubCache) },
    ];
    const checks = found.map(({ name, path, writable }): DoctorCheck => {
      const variable = name === "finetag" ? "FINETAG_CACHE" : "HF_HUB_CACHE";
      const remedy = `make ${path} writable, or set ${variable} to another folder`;
      return { name: `${name} cache`, ok: writable, detail: path, ...(writable ? {} : { remedy }) };
    });
    return { found, checks };
  } catch (error) {
    if (!(error instanceof FinetagError)) throw error;
    return {
      found: [],
      checks: [{ name: "cache", ok: false, detail: error.message, remedy: "correct that variable" }],
    };
  }
}

/** A folder that does not exist yet counts as writable if its nearest existing parent is. */
async function canWrite(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (await isAccessible(folder, constants.F_OK)) return isAccessible(folder, constants.W_OK);
    if (folder === dirname(folder)) return false;
  }
}

async function isAccessible(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
