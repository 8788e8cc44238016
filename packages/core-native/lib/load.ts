import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { usableCores } from "./cores.ts";
import { spinCount } from "./spins.ts";
import type { NativeAddon } from "./types.ts";

/** The addon is missing or the dynamic linker refuses it; `message` says what to do. */
export class AddonLoadError extends Error {
  readonly code = "ERR_FINETAG_ADDON";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AddonLoadError";
  }
}

/** Each variant of libtorch has an addon of its own. */
const FOLDERS = { cpu: "build", cuda: "build-cuda" };

/** Where the addon in use is built to; the same for `lib/` and the compiled `dist/`. */
export function addonPath(): string {
  // The tests' own build under sanitizers (scripts/test.mjs).
  const kind = process.env.FINETAG_SANITIZE === "1" ? "-sanitized" : "";
  return fileURLToPath(new URL(`../${FOLDERS[variantInUse()]}${kind}/Release/finetag.node`, import.meta.url));
}

/** `FINETAG_VARIANT`, else what the set-up wrote down (scripts/lib/native/variant.mjs), else the CPU's. */
function variantInUse(): keyof typeof FOLDERS {
  const { FINETAG_VARIANT: asked } = process.env;
  if (asked) {
    if (asked === "cpu" || asked === "cuda") return asked;
    throw new AddonLoadError(`FINETAG_VARIANT=${asked}: must be cpu or cuda`);
  }
  try {
    return readFileSync(new URL("../.variant", import.meta.url), "utf8").trim() === "cuda" ? "cuda" : "cpu";
  } catch {
    return "cpu";
  }
}

let loaded: NativeAddon | undefined;

/**
 * Loads the native addon, once in each thread.
 *
 * @throws {AddonLoadError} when it was not built, or one of its libraries is missing.
 */
export function loadAddon(): NativeAddon {
  if (loaded) return loaded;
  const path = addonPath();
  if (!existsSync(path)) {
    throw new AddonLoadError("the native addon is not built; run `npm run bootstrap` in finetag's folder");
  }
  try {
    loaded = withinQuota(withSpins(() => createRequire(import.meta.url)(path) as NativeAddon));
    return loaded;
  } catch (error) {
    const reason = String((error as Error).message).split("\n")[0];
    throw new AddonLoadError(
      `the native addon does not load (${reason}); run \`npm run bootstrap\` to rebuild it`,
      { cause: error },
    );
  }
}

/** libgomp reads its settings once, when it is loaded; the user's own win. */
function withSpins<Result>(load: () => Result): Result {
  const { env } = process;
  if (env.OMP_WAIT_POLICY !== undefined || env.GOMP_SPINCOUNT !== undefined) return load();
  env.GOMP_SPINCOUNT = spinCount();
  try {
    return load();
  } finally {
    delete env.GOMP_SPINCOUNT;
  }
}

/** The engine counts the cores of the affinity mask, and a CPU quota may grant less. The user's OMP_NUM_THREADS wins. */
function withinQuota(addon: NativeAddon): NativeAddon {
  const cores = usableCores();
  return {
    info() {
      const info = addon.info();
      const isAsked = process.env.OMP_NUM_THREADS !== undefined;
      return isAsked ? info : { ...info, threads: Math.min(info.threads, cores) };
    },
    createSession: (options) => addon.createSession({ cores, ...options }),
  };
}
