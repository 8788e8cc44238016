/**
 * A model in a format of years ago, trained by `finetag train` as it is, and what finetag then saved, loaded by
 * transformers: the same logits to 1e-5. Runs where FINETAG_PEER_PYTHON names a Python that has transformers;
 * saved.test.ts holds finetag to what transformers said of such a directory once.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finetag } from "../../e2e/program.ts";
import { expectEqual, FORMATS, HERE, logitsOf, TEXTS, train } from "./training.ts";

const python = process.env.FINETAG_PEER_PYTHON;
const REASON = "FINETAG_PEER_PYTHON names no Python that has transformers";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "finetag-formats-"));
  writeFileSync(join(folder, "texts.json"), JSON.stringify(TEXTS));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What transformers makes of the texts; it refuses a directory that lacks weights or has others. */
function transformersLogits(directory: string): number[][] {
  const output = execFileSync(
    python!,
    [join(HERE, "compare_logits.py"), directory, join(folder, "texts.json")],
    {
      encoding: "utf8",
      env: { ...process.env, HF_HUB_OFFLINE: "1" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  return (JSON.parse(output) as { logits: number[][] }).logits;
}

for (const name of ["bert-tf", "bert-pytorch-old", "albert-tf"]) {
  test(`${name}, trained`, { timeout: 300_000 }, async ({ skip }) => {
    skip(python === undefined, REASON);
    const saved = join(folder, name);
    const run = await train(join(FORMATS, name), saved);
    expect(run.stdout).toMatch(/^weights: (41|27) tensors loaded \(/m);
    const config = JSON.parse(readFileSync(join(saved, "config.json"), "utf8"));
    expect(config).toMatchObject({
      model_type: name.split("-")[0],
      id2label: { 0: "animal", 1: "speed", 2: "other" },
    });
    expectEqual(await logitsOf(saved), transformersLogits(saved));
  });

  test(`${name}, converted`, { timeout: 300_000 }, async ({ skip }) => {
    skip(python === undefined, REASON);
    const converted = join(folder, `${name}-converted`);
    expect(await finetag(["convert", join(FORMATS, name), converted])).toMatchObject({ code: 0 });
    expectEqual(await logitsOf(converted), transformersLogits(converted));
  });
}
