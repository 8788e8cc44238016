export { BY_LANGUAGE, type CatalogueEntry, catalogue } from "./catalogue.ts";
export {
  type PlannedFile,
  type PlanOptions,
  type PushedModel,
  type PushOptions,
  type PushPlan,
  type PushProgress,
  planPush,
  pushModel,
} from "./push/index.ts";
export { type PulledModel, pullModel, resolveModel } from "./resolve.ts";
export type { DownloadProgress, ModelOptions } from "./settings.ts";
export { readSettings } from "./settings.ts";
