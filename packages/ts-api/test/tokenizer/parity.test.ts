/** The ids that transformers 5.18.0 gives. Golden values: test/parity/tokens/golden/, made by generate.py there. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tokenizer } from "../../src/tokenizer/index.ts";
import {
  type Case,
  type Cases,
  configOf,
  differences,
  encodeCases,
  GOLDEN,
  loadTokenizer,
  PARITY,
  peerPython,
  readGolden,
  SHARED,
  streamHash,
  textOf,
  VOCABULARIES,
  type Vocabulary,
  withFolder,
} from "./parity.ts";

const NAMES = Object.keys(VOCABULARIES) as Vocabulary[];
const cases = await readGolden<Cases>("cases.json");

interface Golden {
  /** tokenizer.json of `save_pretrained`, without vocabulary and merges. */
  layout: Record<string, unknown> & { model: object };
  /** By length; null where the next longer length gives the same. */
  results: Record<string, (Case | null)[]>;
}

function goldenAt(golden: Golden, length: number): Case[] {
  return cases.names.map((_, i) => {
    const longer = cases.lengths.filter((other) => other >= length).reverse();
    return longer.map((other) => golden.results[other]![i]).find((result) => result != null)!;
  });
}

describe.each(NAMES)("%s, reduced vocabulary", async (name) => {
  const golden = await readGolden<Golden>(`${name}.json`);

  it.each(cases.lengths)("gives transformers' ids for all cases, cut to %i", async (length) => {
    const tokenizer = await loadTokenizer(join(GOLDEN, name), configOf(name));
    const encoded = await encodeCases(tokenizer, cases, length);
    expect(differences(encoded, cases, goldenAt(golden, length))).toEqual([]);
    const shorter = cases.names.filter((_, i) => goldenAt(golden, 512)[i]!.ids.length > length);
    if (length < 512) expect(encoded.truncated).toBe(shorter.length);
    if (VOCABULARIES[name] === "roberta") expect(encoded.tokenTypes.every((type) => type === 0)).toBe(true);
  });

  it("is laid out in tokenizer.json as transformers saves it", async () => {
    const { files } = await loadTokenizer(join(GOLDEN, name), configOf(name));
    const json = JSON.parse(new TextDecoder().decode(files.get("tokenizer.json")));
    delete json.model.vocab;
    delete json.model.merges;
    expect(json).toEqual(golden.layout);
  });
});

interface Variant {
  vocab: Vocabulary;
  files: Record<string, unknown>;
  /** Keys of tokenizer.json to replace; null where the folder has no such file. */
  patch: Record<string, unknown> | null;
  length: number;
  results: Case[];
}

const { variants } = await readGolden<{ variants: Record<string, Variant> }>("variants.json");

/** The folder that the variant stands for. */
async function withVariant<T>(
  { vocab, files, patch }: Variant,
  use: (dir: string) => Promise<T>,
): Promise<T> {
  const source = join(GOLDEN, vocab);
  const config = JSON.stringify({ model_type: VOCABULARIES[vocab] });
  const all: Record<string, unknown> = { ...files, "config.json": config };
  if (patch !== null) {
    const plain = await loadTokenizer(source, configOf(vocab));
    const json = JSON.parse(new TextDecoder().decode(plain.files.get("tokenizer.json")));
    all["tokenizer.json"] = { ...json, ...patch };
  }
  return withFolder(source, all, use);
}

/** The folder that finetag saves for the variant. */
function withSaved<T>(variant: Variant, use: (dir: string) => Promise<T>): Promise<T> {
  return withVariant(variant, async (dir) => {
    const { files } = await loadTokenizer(dir, configOf(variant.vocab));
    return withFolder(undefined, {}, async (saved) => {
      await writeTokenizer(saved, variant, files);
      return use(saved);
    });
  });
}

async function writeTokenizer(
  dir: string,
  { vocab }: Variant,
  files: Map<string, Uint8Array>,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "config.json"), JSON.stringify({ model_type: VOCABULARIES[vocab] }));
  for (const [file, bytes] of files) await writeFile(join(dir, file), bytes);
}

describe("files next to a vocabulary", () => {
  it.each(Object.keys(variants))("%s", async (name) => {
    const variant = variants[name]!;
    const encode = async (dir: string) => {
      const tokenizer = await loadTokenizer(dir, configOf(variant.vocab));
      return differences(await encodeCases(tokenizer, cases, variant.length), cases, variant.results);
    };
    expect(await withVariant(variant, encode)).toEqual([]);
    expect(await withSaved(variant, encode), "saved by finetag and read again").toEqual([]);
  });
});

describe("a saved tokenizer", () => {
  it("gives the same ids in transformers' AutoTokenizer", { timeout: 600_000 }, async (context) => {
    const python = peerPython();
    if (python === undefined) return context.skip();
    const plain: Variant = { vocab: "roberta-base", files: {}, patch: null, length: 64, results: [] };
    const all = Object.entries({ plain, ...variants });
    await withFolder(undefined, {}, async (folder) => {
      const tokenizers: Tokenizer[] = [];
      for (const [i, [, variant]] of all.entries()) {
        const tokenizer = await withVariant(variant, (dir) => loadTokenizer(dir, configOf(variant.vocab)));
        await writeTokenizer(join(folder, String(i)), variant, tokenizer.files);
        tokenizers.push(tokenizer);
      }
      const folders = all.map((_, i) => join(folder, String(i)));
      const output = execFileSync(python, [join(PARITY, "peer.py"), ...folders], {
        encoding: "utf8",
        maxBuffer: 2 ** 28,
      });
      for (const [i, [name, { vocab }]] of all.entries()) {
        for (const [length, expected] of Object.entries<Case[]>(JSON.parse(output.split("\n")[i]!))) {
          const encoded = await encodeCases(tokenizers[i]!, cases, Number(length));
          expect(differences(encoded, cases, expected), `${name}, cut to ${length}`).toEqual([]);
          const typed = expected.some(({ types }) => types !== undefined);
          expect(typed, `${name}: token types`).toBe(VOCABULARIES[vocab] === "bert");
        }
      }
    });
  });
});

describe("whole vocabularies", async () => {
  const present = existsSync(join(SHARED, "vocab")) && existsSync(join(SHARED, "goemotions"));
  if (!present) console.log("the whole vocabularies and GoEmotions are not next to the repository; skipped");
  const goemotions =
    await readGolden<Record<Vocabulary, Record<string, { texts: number; sha256: string }>>>(
      "goemotions.json",
    );

  it.skipIf(!present).each(NAMES)("%s gives transformers' ids for all GoEmotions texts", async (name) => {
    const tokenizer = await loadTokenizer(join(SHARED, "vocab", name), configOf(name));
    for (const [split, expected] of Object.entries(goemotions[name])) {
      const path = join(SHARED, "goemotions", `${split}.tsv`);
      const texts = (await readFile(path, "utf8"))
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split("\t")[0]!);
      expect(texts.length).toBe(expected.texts);
      const encoded = await tokenizer.encode(texts, undefined, 512);
      if (streamHash(encoded) === expected.sha256) continue;
      const first = firstDifference(name, path, texts, (i) => textOf(encoded, i).ids.join());
      expect.fail(`${name}, ${split}: ids differ from transformers'; ${first}`);
    }
  });
});

/** Which text it is can be told only with transformers at hand. */
function firstDifference(
  name: Vocabulary,
  path: string,
  texts: string[],
  idsOf: (i: number) => string,
): string {
  const python = peerPython();
  if (python === undefined) return "FINETAG_PEER_PYTHON would tell the first text";
  const args = [join(PARITY, "peer.py"), join(SHARED, "vocab", name), "--file", path];
  const lines = execFileSync(python, args, { encoding: "utf8", maxBuffer: 2 ** 30 }).split("\n");
  const i = texts.findIndex((_, row) => (JSON.parse(lines[row]!) as number[]).join() !== idsOf(row));
  return `the first is row ${i + 1}, ${JSON.stringify(texts[i])}: ${idsOf(i)} instead of ${lines[i]}`;
}
