import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sha256File } from "../../io/index.ts";

const MANIFEST = "manifest.json";

const manifestSchema = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
});

/**
 * Lists every file of a folder with its size and SHA-256 in `manifest.json`, written last.
 *
 * @param known hashes that are already known
 */
export async function writeManifest(folder: string, known: Record<string, string> = {}): Promise<void> {
  const files: Record<string, { bytes: number; sha256: string }> = {};
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    files[name] = { bytes: (await stat(path)).size, sha256: known[name] ?? (await sha256File(path)) };
  }
  await writeFile(join(folder, MANIFEST), `${JSON.stringify({ version: 1, files }, null, 2)}\n`);
}

/**
 * What is wrong with a folder; undefined if every file of its manifest is complete.
 *
 * @param needed Files that the manifest must list.
 */
export async function verifyManifest(
  folder: string,
  needed: readonly string[] = [],
): Promise<string | undefined> {
  let manifest: z.output<typeof manifestSchema>;
  try {
    manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), "utf8")));
  } catch {
    return "its manifest.json is missing or damaged";
  }
  const absent = needed.find((name) => manifest.files[name] === undefined);
  if (absent !== undefined) return `its manifest.json does not list ${absent}`;
  for (const [name, expected] of Object.entries(manifest.files)) {
    const path = join(folder, name);
    const entry = await stat(path).catch(() => undefined);
    if (entry === undefined) return `${name} is missing`;
    if (entry.size !== expected.bytes) return `${name} has ${entry.size} bytes instead of ${expected.bytes}`;
    if ((await sha256File(path)) !== expected.sha256) return `${name} does not match its checksum`;
  }
  return undefined;
}
