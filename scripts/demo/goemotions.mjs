import { createReadStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { download, SourceUnavailable } from "../../third_party/lib/download.mjs";
import { status } from "../lib/terminal.mjs";
import { readStamp, replaceFolder, STAMP } from "./files.mjs";

const VERSION = 1;

/** The original data set and a copy of it; the digests pin the bytes, wherever they come from. */
const MIRRORS = [
  {
    base: "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data",
    names: { "labels.txt": "emotions.txt" },
  },
  { base: "https://raw.githubusercontent.com/monologg/GoEmotions-pytorch/b75f9d3/data/original", names: {} },
];

const FILES = {
  "train.tsv": {
    sha256: "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
    bytes: 3_519_053,
  },
  "dev.tsv": { sha256: "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62", bytes: 439_059 },
  "test.tsv": { sha256: "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4", bytes: 436_706 },
  "labels.txt": { sha256: "45c3ef86782d2a4d7fedcd6d8c111aa0d0e94720689bd164fac94fefb4495a89", bytes: 248 },
};

const NOTE = `GoEmotions: English Reddit comments with 27 emotions and "neutral".
Demszky et al., "GoEmotions: A Dataset of Fine-Grained Emotions", ACL 2020, https://arxiv.org/abs/2005.00547
Google Research, CC BY 4.0: https://github.com/google-research/google-research/tree/master/goemotions

train.tsv, dev.tsv, test.tsv   no header: text, label ids (comma-separated), comment id; no quoting
labels.txt                     the labels; an id is a line's number, from 0
`;

/**
 * Downloads GoEmotions into `folder`, unless it is already there and complete.
 *
 * @param options.mirrors other places of the same files
 * @returns the contents of the stamp: rows of each split, the number of labels, words
 * @throws SourceUnavailable if no mirror can be reached
 */
export async function prepareGoEmotions(folder, { mirrors = MIRRORS, files = FILES } = {}) {
  const stamp = await readStamp(folder);
  if (stamp?.name === "goemotions" && stamp.version === VERSION) return stamp;
  return replaceFolder(folder, async (fresh) => {
    await mkdir(fresh, { recursive: true });
    for (const [name, pinned] of Object.entries(files))
      await fetchFile(name, pinned, join(fresh, name), mirrors);
    await writeFile(join(fresh, "SOURCE.txt"), NOTE);
    return writeStamp(fresh, files);
  });
}

async function fetchFile(name, pinned, file, mirrors) {
  const reasons = [];
  for (const { base, names } of mirrors) {
    status(`GoEmotions: ${name}`);
    try {
      return await download({ url: `${base}/${names[name] ?? name}`, file, ...pinned });
    } catch (error) {
      if (!(error instanceof SourceUnavailable)) throw error;
      reasons.push(error.message);
    }
  }
  throw new SourceUnavailable([...new Set(reasons)].join("; "));
}

async function writeStamp(folder, files) {
  const rows = {};
  let words = 0;
  let labels = 0;
  for (const name of Object.keys(files)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name), "utf8") })) {
      if (name === "labels.txt") labels++;
      else {
        const split = name.replace(".tsv", "");
        rows[split] = (rows[split] ?? 0) + 1;
        words += line.split("\t")[0].split(" ").length;
      }
    }
  }
  const stamp = { name: "goemotions", version: VERSION, rows, labels, words };
  await writeFile(join(folder, STAMP), `${JSON.stringify(stamp, null, 2)}\n`);
  return stamp;
}
