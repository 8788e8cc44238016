export {
  type CatalogueEntry,
  catalogue,
  findInCatalogue,
  type PipSource,
  type SourceFile,
  suggestName,
} from "./catalogue.ts";
export { type PulledModel, pullModel, resolveModel } from "./resolve.ts";
export type { DownloadProgress, ModelOptions } from "./settings.ts";
