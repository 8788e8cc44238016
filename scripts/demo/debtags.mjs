import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../third_party/fetch-libtorch.mjs";
import { SourceUnavailable } from "../../third_party/lib/download.mjs";
import { withPackageLists } from "./apt.mjs";
import { descriptionText, readControlFile, splitTags } from "./control.mjs";
import { csvLine, readStamp, replaceFolder, STAMP, splitOf } from "./files.mjs";

/** Rarer tags have too few examples to learn or measure. */
const MIN_ROWS = 100;
/** What a package is (program, library, documentation) follows from its name, not from its description. */
const DROPPED_FACETS = new Set(["role"]);
/** With fewer tagged packages than this, the distribution's package lists have no tags. */
const MIN_TAGGED = 5000;
const VERSION = 1;

const NOTE = `Package descriptions and their debtags, read from this machine's apt package lists.

Each description is part of its package and under that package's licence (see
/usr/share/doc/PACKAGE/copyright, or https://sources.debian.org). The tags are
made by Debian's volunteers: https://debtags.debian.org.

train.csv, dev.csv, test.csv   id (the package), text (synopsis and long description), labels (tags, comma-separated)
labels.txt                     the tags, one per line

Left out: tags of the facet "role", and tags with fewer than ${MIN_ROWS} packages. Split by source package, since
packages of one source repeat each other's text.
`;

/**
 * Writes the debtags data into `folder`, unless it is already there and complete.
 *
 * @param options.minRows rarer tags are left out
 * @param options.minTagged with fewer rows, the package lists count as having no tags
 * @returns the contents of the stamp: rows of each split, the number of tags, words
 * @throws SourceUnavailable without apt, without a network, or on a distribution without tags
 */
export async function prepareDebtags(folder, { minRows = MIN_ROWS, minTagged = MIN_TAGGED } = {}) {
  const stamp = await readStamp(folder);
  if (stamp?.name === "debtags" && stamp.version === VERSION) return stamp;
  const cache = cacheFolder();
  await mkdir(cache, { recursive: true });
  let rows;
  await withPackageLists(cache, async (lists) => {
    rows = selectRows(await readTaggedPackages(lists), minRows);
  });
  if (rows.length < minTagged) {
    throw new SourceUnavailable(
      `the package lists on this machine have tags for only ${rows.length} packages (Debian's have about 22,000)`,
    );
  }
  return replaceFolder(folder, (fresh) => writeData(fresh, rows));
}

/** Every package with tags, once: `{ id, source, text, tags }`. */
export async function readTaggedPackages({ packages, translations }) {
  const tagged = new Map();
  for (const path of packages) {
    for await (const fields of readControlFile(path)) {
      const id = fields.get("Package");
      if (!fields.has("Tag") || tagged.has(id)) continue;
      tagged.set(id, {
        id,
        // "Source: name (version)" where the version differs.
        source: (fields.get("Source") ?? id).split(" ")[0],
        tags: splitTags(fields.get("Tag")),
        description: fields.get("Description") ?? "",
        digest: fields.get("Description-md5"),
      });
    }
  }
  const wanted = new Set([...tagged.values()].map((entry) => entry.digest));
  const long = new Map();
  for (const path of translations) {
    for await (const fields of readControlFile(path)) {
      const digest = fields.get("Description-md5");
      if (wanted.has(digest) && fields.has("Description-en")) long.set(digest, fields.get("Description-en"));
    }
  }
  return [...tagged.values()].map(({ id, source, tags, description, digest }) => ({
    id,
    source,
    tags,
    text: descriptionText(long.get(digest) ?? description),
  }));
}

/** The rows without dropped facets and rare tags; each row's tags are sorted. */
export function selectRows(packages, minRows) {
  const cleaned = packages
    .map((entry) => ({
      ...entry,
      tags: [...new Set(entry.tags)].filter((tag) => !DROPPED_FACETS.has(tag.split("::")[0])).sort(),
    }))
    .filter(({ text }) => text !== "");
  const counts = new Map();
  for (const { tags } of cleaned) for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return cleaned
    .map((entry) => ({ ...entry, tags: entry.tags.filter((tag) => counts.get(tag) >= minRows) }))
    .filter(({ tags }) => tags.length > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function writeData(folder, rows) {
  const files = { train: [], dev: [], test: [] };
  for (const row of rows) files[splitOf(row.source)].push(row);
  for (const [split, part] of Object.entries(files)) {
    const lines = part.map(({ id, text, tags }) => csvLine([id, text, tags.join(",")]));
    await writeFile(join(folder, `${split}.csv`), csvLine(["id", "text", "labels"]) + lines.join(""));
  }
  const labels = [...new Set(rows.flatMap(({ tags }) => tags))].sort();
  await writeFile(join(folder, "labels.txt"), labels.map((label) => `${label}\n`).join(""));
  await writeFile(join(folder, "SOURCE.txt"), NOTE);
  const stamp = {
    name: "debtags",
    version: VERSION,
    rows: Object.fromEntries(Object.entries(files).map(([split, part]) => [split, part.length])),
    labels: labels.length,
    words: rows.reduce((sum, { text }) => sum + text.split(" ").length, 0),
  };
  await writeFile(join(folder, STAMP), `${JSON.stringify(stamp, null, 2)}\n`);
  return stamp;
}
