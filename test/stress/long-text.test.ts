import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTinyModel } from "../../packages/ts-api/test/training/tiny.ts";

let model: string;

beforeAll(async () => {
  model = await writeTinyModel(await mkdtemp(join(tmpdir(), "finetag-long-")));
});
afterAll(() => rm(model, { recursive: true }));

/** Predicts a text that is `part` repeated to `length`, and one of 10,000 characters, in a process of its own. */
const PROGRAM = `
import { Classifier } from "@finetag/api";
const [model, part, length] = process.argv.slice(1);
const classifier = await Classifier.fromPretrained(model, { threads: 1, labels: ["a", "b"] });
const predict = async (length) => {
  const [{ probabilities }] = await classifier.predict([part.repeat(length / part.length)]);
  return probabilities;
};
const [long, short] = [await predict(Number(length)), await predict(10_000)];
console.log(JSON.stringify({ long, short, megabytes: process.resourceUsage().maxRSS / 1024 }));
`;

it.each([
  ["words", "so very happy "],
  ["one word", "a"],
  ["blanks", " "],
  ["punctuation", "."],
])("a text of 100 MB takes less than 1 GB: %s", { timeout: 300_000 }, async (_, part) => {
  const args = ["--input-type=module", "-e", PROGRAM, model, part, String(1e8)];
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, "../../bench"), // knows @finetag/api
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  const { long, short, megabytes } = JSON.parse(output);
  expect(long).toEqual(short);
  expect(megabytes).toBeLessThan(1000);
});
