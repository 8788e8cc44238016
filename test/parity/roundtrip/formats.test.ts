/**
 * A model in a format of years ago, trained by `finetag train` as it is, and what finetag then saved, loaded by
 * transformers: the same logits to 1e-5. Runs where FINETAG_PEER_PYTHON names a Python that has transformers.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier } from "@finetag/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finetag } from "../../e2e/program.ts";

const python = process.env.FINETAG_PEER_PYTHON;
const REASON = "FINETAG_PEER_PYTHON names no Python that has transformers";
const FORMATS = fileURLToPath(new URL("../formats", import.meta.url));
const TOLERANCE = 1e-5;

const TEXTS = ["the quick brown fox", "a dog jumps over the lazy fox!", "中文?", ""];
const CSV = [
  "text,animal,speed,other",
  "the quick brown fox,1,1,0",
  "a lazy dog,1,0,0",
  "中文 ?,0,0,1",
  "the fox jumps over the dog,1,1,0",
  "over the,0,0,0",
  "!,0,0,1",
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag-formats-"));
  writeFileSync(join(folder, "train.csv"), `${CSV.join("\n")}\n`);
  writeFileSync(join(folder, "texts.json"), JSON.stringify(TEXTS));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What transformers makes of the texts; it refuses a directory that lacks weights or has others. */
function transformersLogits(directory: string): number[][] {
  const script = fileURLToPath(new URL("compare_logits.py", import.meta.url));
  const output = execFileSync(python!, [script, directory, join(folder, "texts.json")], {
    encoding: "utf8",
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  return (JSON.parse(output) as { logits: number[][] }).logits;
}

const logit = (p: number): number => Math.log(p) - Math.log1p(-p);

async function finetagLogits(directory: string): Promise<number[][]> {
  await using classifier = await Classifier.fromPretrained(directory, { device: "cpu" });
  const predictions = await classifier.predict(TEXTS.map((text) => ({ text })));
  return predictions.map(({ probabilities }) => Object.values(probabilities).map(logit));
}

function expectEqual(values: number[][], expected: number[][]): void {
  const differences = values.flatMap((row, i) => row.map((value, l) => Math.abs(value - expected[i]![l]!)));
  expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE);
}

for (const name of ["bert-tf", "bert-pytorch-old", "albert-tf"]) {
  test(`${name}, trained`, { timeout: 300_000 }, async ({ skip }) => {
    skip(python === undefined, REASON);
    const saved = join(folder, name);
    const run = await finetag([
      ...[
        "train",
        "--model",
        join(FORMATS, name),
        "--train",
        join(folder, "train.csv"),
        "--output-dir",
        saved,
      ],
      ...[
        "--epochs",
        "3",
        "--batch-size",
        "2",
        "--learning-rate",
        "1e-3",
        "--max-length",
        "20",
        "--device",
        "cpu",
      ],
    ]);
    expect(run, run.stderr).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^weights: (41|27) tensors read \(/m);
    const config = JSON.parse(readFileSync(join(saved, "config.json"), "utf8"));
    expect(config).toMatchObject({
      model_type: name.split("-")[0],
      id2label: { 0: "animal", 1: "speed", 2: "other" },
    });
    expectEqual(await finetagLogits(saved), transformersLogits(saved));
  });

  test(`${name}, converted`, { timeout: 300_000 }, async ({ skip }) => {
    skip(python === undefined, REASON);
    const converted = join(folder, `${name}-converted`);
    expect(await finetag(["convert", join(FORMATS, name), converted])).toMatchObject({ code: 0 });
    expectEqual(await finetagLogits(converted), transformersLogits(converted));
  });
}
