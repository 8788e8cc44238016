/**
 * A directory saved by finetag, loaded by transformers: the same tokens, the same logits to 1e-5.
 * Runs where FINETAG_PEER_PYTHON names a Python that has transformers.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier, type TextInput } from "@finetag/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const python = process.env.FINETAG_PEER_PYTHON;
const REASON = "FINETAG_PEER_PYTHON names no Python that has transformers";

/** What the goal asks; measured differences are about 1e-6. */
const TOLERANCE = 1e-5;

interface PeerAnswer {
  labels: string[];
  problem_type: string;
  max_length: number;
  logits: number[][];
}

const tool = (name: string, ...args: string[]): string =>
  execFileSync(python!, [fileURLToPath(new URL(name, import.meta.url)), ...args], {
    encoding: "utf8",
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });

const LABELS = ["animal", "sky, sun", "数"];
const ROWS = [
  { text: "the quick brown fox", labels: ["animal"] },
  { text: "the sun", labels: ["sky, sun"] },
  { text: "the cat sleeps in the sun", labels: ["animal", "sky, sun"] },
  { text: "then and over", labels: [] },
  { text: "the dog jumps 3 4 5", labels: ["animal", "数"] },
  { text: "1 2 3", labels: ["数"] },
];
const TEXTS: TextInput[] = [
  ...ROWS.map(({ text }) => ({ text })),
  { text: "" },
  { text: "Émile's naïve CAFÉ\tin 中文 \u0000\u200d👩‍🚀!" },
  { text: "the lazy dog ".repeat(40) },
  { text: "the fox", textPair: "the dog" },
  { text: "the fox jumps over ".repeat(12), textPair: "the dog sleeps and ".repeat(9) },
];

/** float64; exact to about 1e-11 for the logits here. */
const logit = (p: number): number => Math.log(p) - Math.log1p(-p);

describe("a saved directory in transformers", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "finetag-roundtrip-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const family of ["bert", "roberta", "xlm-roberta", "albert", "distilbert", "electra", "ernie"]) {
    test(family, { timeout: 300_000 }, async ({ skip }) => {
      skip(python === undefined, REASON);
      const encoder = join(folder, family);
      const saved = join(folder, `${family}-saved`);
      tool("make_encoder.py", encoder, family);

      await using classifier = await Classifier.fromPretrained(encoder, { labels: LABELS, device: "cpu" });
      const training = classifier.train({
        train: ROWS,
        maxSteps: 5,
        batchSize: 3,
        learningRate: 1e-3,
        maxLength: 48,
      });
      for await (const _ of training) {
        // Five steps move every weight.
      }
      await classifier.save(saved);
      const texts = join(folder, `${family}.json`);
      writeFileSync(
        texts,
        JSON.stringify(TEXTS.map(({ text, textPair }) => (textPair === undefined ? text : [text, textPair]))),
      );
      const answer = JSON.parse(tool("compare_logits.py", saved, texts)) as PeerAnswer;
      expect(answer.labels).toEqual(LABELS);
      expect(answer.problem_type).toBe("multi_label_classification");
      expect(answer.max_length).toBe(48);

      await using loaded = await Classifier.fromPretrained(saved, { device: "cpu" });
      const predictions = await loaded.predict(TEXTS);
      let worst = 0;
      for (const [i, { probabilities }] of predictions.entries()) {
        for (const [l, label] of LABELS.entries()) {
          const difference = Math.abs(logit(probabilities[label]!) - answer.logits[i]![l]!);
          expect(difference, `${JSON.stringify(TEXTS[i])}, ${label}`).toBeLessThanOrEqual(TOLERANCE);
          worst = Math.max(worst, difference);
        }
      }
      console.log(
        `${family}: largest difference of a logit ${worst.toExponential(1)} (allowed: ${TOLERANCE})`,
      );
    });
  }
});
