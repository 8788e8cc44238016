import { stat } from "node:fs/promises";
import { expandHome } from "../../io/index.ts";
import { findInCatalogue } from "../catalogue.ts";
import { repoFolder } from "../hub-cache.ts";
import { defaultHubCache } from "../settings.ts";

/**
 * The id on the Hub of the model that a training began with, by its option `model`: a name of the catalogue, a snapshot
 * in the Hub's cache, or an id that this cache holds, since `out/run1` may be an id as well as a folder. Another path
 * says nothing that others could use.
 */
export async function hubIdOf(model: unknown): Promise<string | undefined> {
  if (typeof model !== "string") return undefined;
  const entry = findInCatalogue(model);
  if (entry !== undefined) return entry.hubId;
  const cached = /(?:^|[\\/])models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/]/.exec(model);
  if (cached !== null) return `${cached[1]}/${cached[2]}`;
  if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(model)) return undefined;
  const isHeld = await stat(repoFolder(expandHome(defaultHubCache()), model)).catch(() => undefined);
  return isHeld === undefined ? undefined : model;
}
