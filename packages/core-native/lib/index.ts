export { cpuQuota, usableCores } from "./cores.ts";
export { AddonLoadError, addonPath, loadAddon } from "./load.ts";
export type * from "./types.ts";
