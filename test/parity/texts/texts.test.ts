/**
 * From a text to its logits, as transformers' own tokenizer and model have them: byte-level BPE and SentencePiece.
 * Golden values: golden/, made by generate.py. See ../README.md.
 */
import { copyFile, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier, type TextInput } from "@finetag/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const GOLDEN = join(HERE, "golden");

/** float32 against float64 of logits about 1, as in ../formats. */
const TOLERANCE = 2e-6;

interface Golden {
  texts: (string | [string, string])[];
  models: Record<string, { source: string; files: string[]; logits: number[][] }>;
}

const golden = JSON.parse(await readFile(join(GOLDEN, "golden.json"), "utf8")) as Golden;
const TEXTS: TextInput[] = golden.texts.map((text) =>
  typeof text === "string" ? { text } : { text: text[0], textPair: text[1] },
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finetag-texts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** float64; exact to about 1e-11 for the logits here. */
const logit = (p: number): number => Math.log(p) - Math.log1p(-p);

describe.each(Object.entries(golden.models))("%s", (name, { source, files, logits }) => {
  test("all texts at once, and from a saved directory", async () => {
    const model = join(folder, name);
    await cp(join(GOLDEN, name), model, { recursive: true });
    for (const file of files) await copyFile(join(HERE, "..", source, file), join(model, file));
    await using classifier = await Classifier.fromPretrained(model, { device: "cpu" });
    expect(classifier.freshParameters).toEqual([]);
    const predictions = await classifier.predict(TEXTS);
    for (const [i, { probabilities }] of predictions.entries()) {
      const difference = Object.values(probabilities).map((p, l) => Math.abs(logit(p) - logits[i]![l]!));
      expect(Math.max(...difference), `text ${i}`).toBeLessThanOrEqual(TOLERANCE);
    }

    const saved = join(folder, `${name}-saved`);
    await classifier.save(saved);
    await using loaded = await Classifier.fromPretrained(saved, { device: "cpu" });
    expect(await loaded.predict(TEXTS)).toEqual(predictions);
  });
});
