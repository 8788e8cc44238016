import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { SetupError } from "../../scripts/lib/errors.mjs";

/** The pinned versions: ../libtorch.json. */
export function readManifest() {
  return JSON.parse(readFileSync(new URL("../libtorch.json", import.meta.url), "utf8"));
}

/**
 * A variant by its name ("cpu", "cu130") or alias ("cuda").
 *
 * @returns the manifest's entry with its `name`, and `kind`: "cpu" or "cuda"
 * @throws SetupError if there is none of that name
 */
export function findVariant(manifest, given) {
  const { variants, aliases = {} } = manifest;
  const name = aliases[given] ?? given;
  if (!Object.hasOwn(variants, name)) {
    const known = [...Object.keys(variants), ...Object.keys(aliases)];
    throw new SetupError(`No libtorch variant "${given}"; use ${known.join(", ")}.`);
  }
  return { ...variants[name], name, kind: name === "cpu" ? "cpu" : "cuda" };
}

/**
 * All archives of a variant on a platform, a list for each file that is needed: the sources of libtorch itself, of
 * which one is enough, then those of each library.
 */
export function archivesOf({ archives, libraries = [] }) {
  return [archives, ...libraries.map((library) => [library])];
}

/** What an archive is called in the cache while it waits to be unpacked. */
export function archiveName(archive) {
  if (archive.kind === "pip") return `${archive.sha256.slice(0, 12)}.whl`;
  return decodeURIComponent(basename(new URL(archive.url).pathname));
}
