/** The few steps of `finetag train` from checkpoints of years ago, for the tests of what it then saves. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Classifier } from "@finetag/api";
import { expect } from "vitest";
import { type Ended, finetag } from "../../e2e/program.ts";

export const HERE = fileURLToPath(new URL(".", import.meta.url));
export const FORMATS = join(HERE, "../formats");

/** What the goal asks. */
const TOLERANCE = 1e-5;

const training = JSON.parse(readFileSync(join(HERE, "training.json"), "utf8")) as {
  arguments: string[];
  texts: (string | [string, string])[];
};
export const TEXTS = training.texts;

export async function train(checkpoint: string, output: string): Promise<Ended> {
  const paths = ["--model", checkpoint, "--train", join(HERE, "train.csv"), "--output-dir", output];
  const run = await finetag(["train", ...paths, ...training.arguments]);
  expect(run, run.stderr).toMatchObject({ code: 0 });
  return run;
}

/** float64; exact to about 1e-11 for the logits here. */
const logit = (p: number): number => Math.log(p) - Math.log1p(-p);

/** Of the texts. */
export async function logitsOf(directory: string): Promise<number[][]> {
  await using classifier = await Classifier.fromPretrained(directory, { device: "cpu" });
  expect(classifier.freshParameters).toEqual([]);
  const inputs = TEXTS.map((text) =>
    typeof text === "string" ? { text } : { text: text[0], textPair: text[1] },
  );
  const predictions = await classifier.predict(inputs);
  return predictions.map(({ probabilities }) => Object.values(probabilities).map(logit));
}

export function expectEqual(values: number[][], expected: number[][]): void {
  expect(values.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  const differences = values.flatMap((row, i) => row.map((value, l) => Math.abs(value - expected[i]![l]!)));
  expect(Math.max(...differences)).toBeLessThanOrEqual(TOLERANCE);
}
