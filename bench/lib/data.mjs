// The texts for measurements: GoEmotions, and a WordPiece vocabulary for the random models.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FinetagError, resolveModel } from "@finetag/api";
import { readStamp } from "../../scripts/demo/files.mjs";
import { prepareGoEmotions } from "../../scripts/demo/goemotions.mjs";
import { SetupError } from "../../scripts/lib/errors.mjs";
import { CACHE, ROOT } from "../../scripts/lib/paths.mjs";
import { SourceUnavailable } from "../../third_party/lib/download.mjs";

/** Help of the option that {@link findVocabulary} reads. */
export const VOCABULARY_HELP = `  --vocab FILE     vocab.txt of a lower-casing WordPiece tokenizer (default: all-MiniLM-L6-v2's, from finetag's cache
                   or the Hub)`;

/** Help of that option and the one that {@link openTexts} reads. */
export const DATA_HELP = `  --data DIR       train.tsv (text, label ids, id; tab-separated, no header) and labels.txt of GoEmotions or of texts in
                   its layout (default: what the demo fetched, or it is fetched now)
${VOCABULARY_HELP}`;

/** GoEmotions' lines and the file of its labels. */
export async function openTexts(folder) {
  const found = folder ?? (await goEmotions());
  const [train, labels] = ["train.tsv", "labels.txt"].map((name) => join(found, name));
  for (const file of [train, labels]) {
    if (!existsSync(file))
      throw new SetupError(`${file}: no such file; --data needs a folder with this file`);
  }
  const lines = readFileSync(train, "utf8").split("\n").filter(Boolean);
  return { labels, lines, texts: lines.map((line) => line.split("\t")[0]) };
}

async function goEmotions() {
  const demo = join(ROOT, "demo", "data");
  if ((await readStamp(demo))?.name === "goemotions") return demo;
  const folder = join(CACHE, "bench", "goemotions");
  try {
    await prepareGoEmotions(folder);
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error;
    throw new SetupError(
      `GoEmotions is not available (${error.message}); give a folder with its train.tsv and labels.txt: --data DIR`,
    );
  }
  return folder;
}

/** The first `count` of `items`, or one clear error line if there are fewer. */
export function first(items, count, option = "rows") {
  if (items.length >= count) return items.slice(0, count);
  throw new SetupError(`--${option} ${count}: the data has only ${items.length} texts`);
}

/** A vocabulary's path. */
export async function findVocabulary(file) {
  if (file !== undefined) {
    if (existsSync(file)) return file;
    throw new SetupError(`${file}: no such file; --vocab needs a vocab.txt`);
  }
  try {
    const found = join(await resolveModel("all-MiniLM-L6-v2"), "vocab.txt");
    if (existsSync(found)) return found;
    throw new SetupError(`${found}: no such file; give a WordPiece vocabulary: --vocab FILE`);
  } catch (error) {
    if (!(error instanceof FinetagError)) throw error;
    throw new SetupError(`${error.message}\nOr give a WordPiece vocabulary: --vocab FILE`);
  }
}

/** Writes lines as a file in GoEmotions' layout. */
export function writeLines(file, lines) {
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
}

/** finetag's options for that layout. */
export const COLUMNS = ["--no-header", "--columns", "text,labels,id", "--labels-column", "labels"];
